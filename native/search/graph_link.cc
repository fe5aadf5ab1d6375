#include <algorithm>
#include <bit>
#include <cmath>

#include "search/graph_walk.h"

namespace visage::search {

bool Graph::LinkSome(const Codes::View& view, const std::function<bool()>& go_on) {
  std::unique_lock gate(gate_);
  const std::shared_lock linking(linking_);
  gate.unlock();
  std::unique_lock turn(turns_);
  if (view.size() > newest_.size()) newest_ = view;
  Codes::View rows = newest_;
  const Row first = claimed_;
  const Row last = static_cast<Row>(std::min<std::size_t>(rows.size(), first + kSlice));
  if (first >= last) return false;
  base_.Reach(last - 1);
  under_way_.push_back(first);
  claimed_ = last;
  turn.unlock();

  Row row = first;
  while (row < last && go_on()) Link(rows, row++);

  turn.lock();
  // What was stopped stays under way: it is not known which of the later rows others have linked.
  if (row < last) {
    *std::ranges::find(under_way_, first) = row;
  } else {
    std::erase(under_way_, first);
  }
  linked_.store(under_way_.empty() ? claimed_ : std::min(claimed_, *std::ranges::min_element(under_way_)),
                std::memory_order_release);
  return true;
}

/// Of the rows' numbers, so that a graph has the same layers however it was made (SplitMix64's finaliser).
unsigned Graph::LayersOf(Row row) {
  std::uint64_t bits = row + 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  bits ^= bits >> 31;
  return std::min(kMostLayers, static_cast<unsigned>(std::countl_zero(bits)) / kLayerBits);
}

void Graph::Link(Codes::View& rows, Row row) {
  const Codes::Rows at = rows.From(row);
  std::uint64_t* sketch = SketchOf(row);
  MakeSketch(at.high, sketch_words_, sketch);
  const auto square = static_cast<float>(kernels_.dot_codes(at.high, at.high, width_));
  const float length = 256 * *at.scales * std::sqrt(square);
  float longest = longest_.load(std::memory_order_relaxed);
  while (length > longest && !longest_.compare_exchange_weak(longest, length, std::memory_order_relaxed)) {
  }
  const RowTarget target{kernels_, at.high, *at.scales, sketch, length * std::max(longest, length)};

  const unsigned layers = LayersOf(row);
  const Node lowest = layers == 0 ? 0 : upper_count_.fetch_add(layers);
  for (unsigned i = 0; i < layers; ++i) {
    upper_.Reach(lowest + i);
    UpperOf(lowest + i).row = row;
    UpperOf(lowest + i).layer = i + 1;
  }

  std::unique_lock becomes_entry(entry_mutex_);
  const Entry from = entry();
  const bool is_highest = from.is_empty || layers > from.layer;
  if (!is_highest) becomes_entry.unlock();
  if (!from.is_empty && EntryRow(from) >= rows.size()) {
    const std::lock_guard turn(turns_);
    rows = newest_;
  }
  if (!from.is_empty) {
    std::array<Node, kUpperWidth> near;
    unsigned layer = std::min(layers, from.layer);
    std::size_t count = Descend(rows, target, from, layer, near);
    for (; layer > 0; --layer) {
      const UpperLayer upper{*this};
      const auto found =
          Walk::OfThread().Explore(*this, rows, upper, target, std::span(near).first(count), kLinkingWidth);
      count = std::min(found.size(), kUpperWidth);
      for (std::size_t i = 0; i < count; ++i) {
        near[i] = layer == 1 ? UpperOf(found[i].row).row : found[i].row - 1;
      }
      LinkInLayer(rows, upper, lowest + layer - 1, found);
    }
    const BaseLayer base{*this};
    LinkInLayer(
        rows, base, row,
        Walk::OfThread().Explore(*this, rows, base, target, std::span(near).first(count), kLinkingWidth));
  }
  if (is_highest) {
    const Node node = layers == 0 ? row : lowest + layers - 1;
    entry_.store(std::uint64_t{layers} << 32 | node, std::memory_order_release);
  }
}

template <typename Layer>
void Graph::LinkInLayer(const Codes::View& rows, const Layer& layer, Node node, std::span<const Found> near) {
  std::array<Found, std::min(kNewLinks, Layer::kLinks)> chosen;
  const std::size_t count = Choose(rows, layer, near, chosen);
  {
    const std::lock_guard lock(LockOf(node));
    std::uint32_t* links = layer.links(node);
    for (unsigned i = 0; i < count; ++i) SetLink(links, i, chosen[i].row + 1);
  }
  for (const Found& to : std::span(chosen).first(count)) LinkBack(rows, layer, to.row, {to.score, node});
}

/// Those that are nearer to the node than to any that was chosen before: links in all directions, where those
/// to the nearest alone would all go into one crowd.
template <typename Layer>
std::size_t Graph::Choose(const Codes::View& rows, const Layer& layer, std::span<const Found> near,
                          std::span<Found> chosen) const {
  std::size_t count = 0;
  for (const Found& candidate : near) {
    if (count == chosen.size()) break;
    const Codes::Rows at = rows.From(layer.row(candidate.row));
    const RowTarget target{kernels_, at.high, *at.scales, nullptr, 0};
    const bool is_own_way = std::ranges::all_of(chosen.first(count), [&](const Found& other) {
      return target.Score(rows.From(layer.row(other.row)), width_) <= candidate.score;
    });
    if (is_own_way) chosen[count++] = candidate;
  }
  return count;
}

template <typename Layer>
void Graph::LinkBack(const Codes::View& rows, const Layer& layer, Node from, Found to) {
  const std::lock_guard lock(LockOf(from));
  std::uint32_t* links = layer.links(from);
  unsigned held = 0;
  while (held < Layer::kLinks && LinkAt(links, held) != 0) ++held;
  if (held < Layer::kLinks) {
    SetLink(links, held, to.row + 1);
    return;
  }
  std::array<Found, Layer::kLinks + 1> near;
  const Codes::Rows at = rows.From(layer.row(from));
  const RowTarget target{kernels_, at.high, *at.scales, nullptr, 0};
  for (unsigned i = 0; i < held; ++i) {
    const Node node = LinkAt(links, i) - 1;
    // Of a thread with a newer view, which sees to this list too.
    if (layer.row(node) >= rows.size()) return;
    near[i].row = node;
    PrefetchBytes(rows.From(layer.row(node)).high, width_);
  }
  for (Found& found : std::span(near).first(held)) {
    found.score = target.Score(rows.From(layer.row(found.row)), width_);
  }
  near[held] = to;
  std::ranges::sort(near, std::ranges::greater{}, &Found::score);
  std::array<Found, Layer::kLinks - kSpareLinks> chosen;
  const std::size_t count = Choose(rows, layer, near, chosen);
  for (unsigned i = 0; i < count; ++i) SetLink(links, i, chosen[i].row + 1);
  for (unsigned i = static_cast<unsigned>(count); i < Layer::kLinks; ++i) SetLink(links, i, 0);
}

}  // namespace visage::search
