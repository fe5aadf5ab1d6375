#include "search/gallery_index.h"

#include <algorithm>
#include <cmath>
#include <ranges>

namespace visage::search {
namespace {

/// Rows that a search through the graph follows: of templates of faces it then finds 99.9 % of the best ones
/// (measured at 10,000, 20,000, 100,000 and 1,000,000), and 99 % of the 16 best (10,000 and 100,000).
constexpr double kLeastWidth = 96;
constexpr double kWidthPerMatch = 8;
/// From this many rows on more are followed, as ever more faces are about as near as the nearest: four times
/// as many in ten times the rows.
constexpr double kCrowd = 100'000;
constexpr double kCrowding = 0.6;
/// What looking at rows here and there costs more than looking at them one after the other.
constexpr double kSingly = 4;
/// Where this many rows are not linked yet, or not on the GPU, they are.
constexpr std::size_t kLongTail = 256;

GalleryIndex::Matches MatchesOf(const Codes::View& view, const Probe& probe, Nearest& nearest) {
  GalleryIndex::Matches matches;
  for (const auto& [score, row] : nearest.Take()) {
    matches.labels.push_back(view.label(row));
    matches.scores.push_back(static_cast<float>(score * probe.scale()));
  }
  return matches;
}

/// So many of the first by an estimate are ranked by both planes.
std::size_t RankedFor(std::size_t k) { return k + k / 2 + 8; }

/// Offers the first living and allowed ones of some rows. @param last rows from there on are passed over.
/// @returns whether there were at least `k`; nothing is offered otherwise.
template <typename Rows>
bool Rank(const Codes::View& view, const Rows& found, Codes::Row last, const Probe& probe, std::size_t k,
          std::span<const std::uint64_t> allowed, Nearest& nearest) {
  const std::size_t ranked = RankedFor(k);
  std::vector<Codes::Row> rows;
  for (const Codes::Row row : found) {
    if (row >= last || view.is_removed(row)) continue;
    if (!allowed.empty() && !(allowed[row / 64] >> (row % 64) & 1)) continue;
    rows.push_back(row);
    __builtin_prefetch(view.From(row).low);
    if (rows.size() == ranked) break;
  }
  // Around the probe fewer are allowed than elsewhere.
  if (rows.size() < k) return false;
  for (const Codes::Row row : rows) nearest.Offer(view.Score(BestKernels(), probe, row), row);
  return true;
}

/// Rows of the graph to be followed for the best `k` of so many rows, where no `width` is asked for.
double WidthFor(std::size_t k, double rows, std::size_t width = 0) {
  if (width > 0) return static_cast<double>(width);
  const double crowding = std::pow(std::max(1.0, rows / kCrowd), kCrowding);
  return (kLeastWidth + kWidthPerMatch * static_cast<double>(k)) * crowding;
}

}  // namespace

GalleryIndex::GalleryIndex(std::size_t dimension, std::shared_ptr<Background> background,
                           std::size_t graph_from, base::DeviceRows::Factory device)
    : dimension_(dimension),
      graph_from_(graph_from),
      background_(std::move(background)),
      device_(device),
      now_(NewGeneration()) {}

std::shared_ptr<GalleryIndex::Generation> GalleryIndex::NewGeneration() const {
  const auto discard = [background = background_, large = graph_from_](Generation* generation) {
    std::unique_ptr<Generation> last(generation);
    if (last->codes.size() >= large) background->Discard(std::move(last));
  };
  return {new Generation(dimension_), discard};
}

void GalleryIndex::Add(std::span<const std::int64_t> labels, std::span<const float> vectors) {
  {
    const std::unique_lock lock(mutex_);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const Row row = now_->codes.Append(labels[i], vectors.subspan(i * dimension_, dimension_));
      if (const auto before = now_->rows.Put(row)) RemoveRow(*before);
    }
  }
  Report();
}

std::size_t GalleryIndex::Remove(std::span<const std::int64_t> labels) {
  std::size_t removed = 0;
  {
    const std::unique_lock lock(mutex_);
    for (const std::int64_t label : labels) {
      const auto held = now_->rows.Take(label);
      if (!held) continue;
      RemoveRow(*held);
      ++removed;
    }
  }
  Report();
  return removed;
}

IndexContents GalleryIndex::Contents() const {
  const std::shared_lock lock(mutex_);
  IndexContents contents{now_->codes.view(), {}, now_->graph};
  for (std::size_t row = 0; row < contents.view.size(); row += Codes::kBlock) {
    contents.tombstones.push_back(contents.view.Tombstones(static_cast<Codes::Row>(row)));
  }
  return contents;
}

void GalleryIndex::Adopt(SnapshotContents contents) {
  std::shared_ptr<Generation> read = NewGeneration();
  read->codes = std::move(contents.codes);
  read->graph = std::move(contents.graph);
  for (Row row = 0; row < read->codes.size(); ++row) {
    if (read->rows.Put(row)) throw SnapshotError("it is damaged");
  }
  {
    const std::unique_lock lock(mutex_);
    now_.swap(read);
  }
  {
    const std::lock_guard background(background_mutex_);
    ReportGraphs();
  }
  Report();
}

std::vector<std::int64_t> GalleryIndex::Labels() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::int64_t> labels;
  labels.reserve(now_->rows.size());
  const Codes::View view = now_->codes.view();
  for (Row row = 0; row < view.size(); ++row) {
    if (!view.is_removed(row)) labels.push_back(view.label(row));
  }
  return labels;
}

void GalleryIndex::RemoveRow(Row row) {
  now_->codes.Remove(row);
  if (is_copying_) removed_meanwhile_.push_back(row);
}

GalleryIndex::Sight GalleryIndex::Look() const {
  // The graph's rows, and the GPU's, before the view's, which then has them all.
  const Row linked = now_->graph ? now_->graph->linked() : 0;
  const Row on_device = now_->proposer ? now_->proposer->held() : 0;
  return {now_, now_->codes.view(), now_->graph, linked, now_->proposer, on_device, now_->codes.removed()};
}

GalleryIndex::Matches GalleryIndex::Search(std::span<const float> probe, std::size_t k,
                                           std::size_t width) const {
  std::shared_lock lock(mutex_);
  const Sight sight = Look();
  lock.unlock();
  const Probe codes(probe);
  Nearest nearest(k);
  const auto rows = static_cast<double>(sight.view.size());
  const double living = 1 - static_cast<double>(sight.removed) / rows;
  const Row first = SearchKnown(sight, probe, codes, k, living, width, {}, nearest);
  ScanExact(BestKernels(), sight.view, codes, first, sight.view.size(), nearest);
  return MatchesOf(sight.view, codes, nearest);
}

GalleryIndex::Matches GalleryIndex::Search(std::span<const float> probe, std::size_t k,
                                           std::span<const std::int64_t> allowed, std::size_t width) const {
  std::vector<Row> rows;
  std::shared_lock lock(mutex_);
  const Sight sight = Look();
  rows.reserve(std::min(allowed.size(), now_->rows.size()));
  for (const std::int64_t label : allowed) {
    if (const auto held = now_->rows.Find(label)) rows.push_back(*held);
  }
  lock.unlock();
  // In the order of memory, each once. Computing just these products is never more work than a masked pass
  // over all.
  std::ranges::sort(rows);
  rows.erase(std::ranges::unique(rows).begin(), rows.end());
  const Probe codes(probe);
  Nearest nearest(k);
  std::span<const Row> left = rows;
  // Following the graph takes the more the fewer rows are allowed.
  const auto all = static_cast<double>(sight.view.size());
  const double share = static_cast<double>(rows.size()) / all;
  const double followed = WidthFor(k, all, width) / share;
  if (static_cast<double>(rows.size()) * kSingly >= ExactRows(followed)) {
    std::vector<std::uint64_t> bits(sight.view.size() / 64 + 1);
    for (const Row row : rows) bits[row / 64] |= std::uint64_t{1} << (row % 64);
    const Row first = SearchKnown(sight, probe, codes, k, share, width, bits, nearest);
    left = left.subspan(static_cast<std::size_t>(std::ranges::lower_bound(rows, first) - rows.begin()));
  }
  ScanExact(BestKernels(), sight.view, codes, left, nearest);
  return MatchesOf(sight.view, codes, nearest);
}

double GalleryIndex::ExactRows(double width) const {
  return static_cast<double>(graph_from_) * width / WidthFor(1, 1);
}

GalleryIndex::Row GalleryIndex::SearchKnown(const Sight& sight, std::span<const float> vector,
                                            const Probe& probe, std::size_t k, double share,
                                            std::size_t width, std::span<const std::uint64_t> allowed,
                                            Nearest& nearest) const {
  // A width is asked for to measure the graph. Until the GPU has as much, the graph has less left over.
  if (width == 0 && sight.on_device > 0 && sight.on_device >= sight.linked &&
      SearchDevice(sight, vector, probe, k, share, allowed, nearest)) {
    return sight.on_device;
  }
  const auto rows = static_cast<double>(sight.view.size());
  const double followed = WidthFor(k, rows, width) / share;
  return SearchGraph(sight, probe, k, followed, allowed, nearest) ? sight.linked : 0;
}

bool GalleryIndex::SearchDevice(const Sight& sight, std::span<const float> vector, const Probe& probe,
                                std::size_t k, double share, std::span<const std::uint64_t> allowed,
                                Nearest& nearest) const {
  const double wanted = std::ceil(static_cast<double>(RankedFor(k)) / share);
  if (!(wanted <= base::DeviceRows::kMost)) return false;
  const auto found = sight.proposer->Propose(vector, static_cast<std::size_t>(wanted));
  return Rank(sight.view, found, sight.on_device, probe, k, allowed, nearest);
}

GalleryIndex::OnDevice GalleryIndex::on_device() const {
  const std::shared_lock lock(mutex_);
  if (!now_->proposer) return {};
  return {now_->proposer->held(), now_->proposer->failure()};
}

bool GalleryIndex::SearchGraph(const Sight& sight, const Probe& probe, std::size_t k, double width,
                               std::span<const std::uint64_t> allowed, Nearest& nearest) const {
  // Not a number where there are no rows.
  if (!sight.graph || !(static_cast<double>(sight.linked) >= ExactRows(width))) return false;
  const auto found = sight.graph->Search(sight.view, probe, static_cast<std::size_t>(width));
  return Rank(sight.view, found | std::views::transform(&Graph::Found::row), sight.linked, probe, k, allowed,
              nearest);
}

void GalleryIndex::Report() {
  bool is_work = false;
  {
    const std::shared_lock lock(mutex_);
    const std::size_t living = now_->rows.size();
    const std::size_t linked = now_->graph ? now_->graph->linked() : 0;
    size_ = living;
    tombstones_ = now_->codes.removed();
    code_bytes_ = now_->codes.bytes() + now_->rows.bytes();
    const bool is_behind = device_ && !(now_->proposer && now_->proposer->has_failed()) &&
                           now_->codes.size() >= (now_->proposer ? now_->proposer->held() : 0) + kLongTail;
    const bool has_tail = living >= graph_from_ && (now_->codes.size() >= linked + kLongTail || is_behind);
    const bool has_needless_graph = now_->graph && living < graph_from_ / 2;
    is_work = has_tail || has_needless_graph || IsWorn();
  }
  if (is_work) background_->Enrol(shared_from_this());
}

}  // namespace visage::search
