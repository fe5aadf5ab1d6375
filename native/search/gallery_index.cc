#include "search/gallery_index.h"

#include <algorithm>
#include <cmath>

namespace visage {
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
/// Where this many rows are not linked yet, they are.
constexpr std::size_t kLongTail = 256;

GalleryIndex::Matches MatchesOf(const Codes::View& view, const Probe& probe, Nearest& nearest) {
  GalleryIndex::Matches matches;
  for (const auto& [score, row] : nearest.Take()) {
    matches.labels.push_back(view.label(row));
    matches.scores.push_back(static_cast<float>(score * probe.scale()));
  }
  return matches;
}

/// Rows of the graph to be followed for the best `k` of so many rows.
double WidthFor(std::size_t k, double rows) {
  const double crowding = std::pow(std::max(1.0, rows / kCrowd), kCrowding);
  return (kLeastWidth + kWidthPerMatch * static_cast<double>(k)) * crowding;
}

}  // namespace

GalleryIndex::GalleryIndex(std::size_t dimension, std::shared_ptr<Background> background,
                           std::size_t graph_from)
    : dimension_(dimension),
      graph_from_(graph_from),
      background_(std::move(background)),
      now_(std::make_unique<Generation>(dimension)) {}

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
  auto read = std::make_unique<Generation>(dimension_);
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
  // The graph's rows before the view's, which then has them all.
  const Row linked = now_->graph ? now_->graph->linked() : 0;
  return {now_->codes.view(), now_->graph, linked, now_->codes.removed()};
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
  const double followed = (width > 0 ? static_cast<double>(width) : WidthFor(k, rows)) / living;
  const bool is_found = SearchGraph(sight, codes, k, followed, {}, nearest);
  ScanExact(BestKernels(), sight.view, codes, is_found ? sight.linked : 0, sight.view.size(), nearest);
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
  const double followed = (width > 0 ? static_cast<double>(width) : WidthFor(k, all)) / share;
  if (static_cast<double>(rows.size()) * kSingly >= ExactRows(followed)) {
    std::vector<std::uint64_t> bits(sight.view.size() / 64 + 1);
    for (const Row row : rows) bits[row / 64] |= std::uint64_t{1} << (row % 64);
    if (SearchGraph(sight, codes, k, followed, bits, nearest)) {
      left =
          left.subspan(static_cast<std::size_t>(std::ranges::lower_bound(rows, sight.linked) - rows.begin()));
    }
  }
  ScanExact(BestKernels(), sight.view, codes, left, nearest);
  return MatchesOf(sight.view, codes, nearest);
}

double GalleryIndex::ExactRows(double width) const {
  return static_cast<double>(graph_from_) * width / WidthFor(1, 1);
}

bool GalleryIndex::SearchGraph(const Sight& sight, const Probe& probe, std::size_t k, double width,
                               std::span<const std::uint64_t> allowed, Nearest& nearest) const {
  // Not a number where there are no rows.
  if (!sight.graph || !(static_cast<double>(sight.linked) >= ExactRows(width))) return false;
  const auto found = sight.graph->Search(sight.view, probe, static_cast<std::size_t>(width));
  // The first of them by the high plane, and some more, are ranked by both.
  const std::size_t ranked = k + k / 2 + 8;
  std::vector<Row> rows;
  for (const Graph::Found& candidate : found) {
    const Row row = candidate.row;
    if (row >= sight.linked || sight.view.is_removed(row)) continue;
    if (!allowed.empty() && !(allowed[row / 64] >> (row % 64) & 1)) continue;
    rows.push_back(row);
    __builtin_prefetch(sight.view.From(row).low);
    if (rows.size() == ranked) break;
  }
  // Around the probe fewer are allowed than elsewhere.
  if (rows.size() < k) return false;
  for (const Row row : rows) nearest.Offer(sight.view.Score(BestKernels(), probe, row), row);
  return true;
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
    const bool has_tail = living >= graph_from_ && now_->codes.size() >= linked + kLongTail;
    const bool has_needless_graph = now_->graph && living < graph_from_ / 2;
    is_work = has_tail || has_needless_graph || IsWorn();
  }
  if (is_work) background_->Enrol(shared_from_this());
}

}  // namespace visage
