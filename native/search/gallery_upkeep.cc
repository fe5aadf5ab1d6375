#include <algorithm>
#include <utility>

#include "search/gallery_index.h"

namespace visage::search {
namespace {

/// Fewer tombstones than these are never worth a copy.
constexpr std::size_t kFewTombstones = 1024;
/// Rows that are copied in one piece of work.
constexpr std::size_t kCopied = 1024;
/// Rows that may be without links in a new graph that takes the place of the old one.
constexpr std::size_t kTail = 512;

}  // namespace

bool GalleryIndex::IsWorn() const {
  const std::size_t removed = now_->codes.removed();
  return removed >= kFewTombstones && 4 * removed > now_->codes.size();
}

bool GalleryIndex::Step(const GoOn& go_on) {
  std::shared_ptr<Generation> old;
  std::shared_ptr<Graph> graph;
  std::shared_ptr<Proposer> proposer;
  Codes::View rows;
  bool has_more = false;
  {
    const std::lock_guard background(background_mutex_);
    if (EnsureCopy()) {
      has_more = CopySome();
      const Generation& next = *copy_->generation;
      graph = next.graph;
      rows = next.codes.view();
      if (!has_more && (!graph || graph->linked() + kTail >= next.codes.size())) {
        old = TakeOver();
        has_more = true;
      }
    } else {
      SeeToGraph();
      if (device_) SeeToProposer();
      const std::shared_lock lock(mutex_);
      graph = now_->graph;
      proposer = now_->proposer;
      rows = now_->codes.view();
    }
    ReportGraphs();
  }
  if (old) Report();
  if (proposer && proposer->ExtendSome(rows)) has_more = true;
  return (graph && graph->LinkSome(rows, go_on)) || has_more;
}

void GalleryIndex::SeeToGraph() {
  std::shared_ptr<Graph> graph;
  {
    const std::shared_lock lock(mutex_);
    const std::size_t living = now_->rows.size();
    if (now_->graph ? living >= graph_from_ / 2 : living < graph_from_) return;
    graph = now_->graph;
  }
  // What there is goes, and is forgotten when nobody waits; what there is not, comes.
  graph = graph ? nullptr : std::make_shared<Graph>(dimension_);
  const std::unique_lock lock(mutex_);
  now_->graph.swap(graph);
}

void GalleryIndex::SeeToProposer() {
  std::shared_ptr<Proposer> proposer;
  {
    const std::shared_lock lock(mutex_);
    if (!now_->graph == !now_->proposer) return;
    if (now_->graph) proposer = std::make_shared<Proposer>(device_, dimension_);
  }
  const std::unique_lock lock(mutex_);
  now_->proposer.swap(proposer);
}

bool GalleryIndex::EnsureCopy() {
  if (copy_) return true;
  std::size_t living;
  {
    const std::shared_lock lock(mutex_);
    if (!IsWorn()) return false;
    living = now_->rows.size();
  }
  auto copy = std::make_unique<Copy>(NewGeneration());
  copy->origins.reserve(living);
  if (living >= graph_from_) copy->generation->graph = std::make_shared<Graph>(dimension_);
  const std::unique_lock lock(mutex_);
  is_copying_ = true;
  copy_ = std::move(copy);
  return true;
}

bool GalleryIndex::CopySome() {
  Codes::View from;
  std::vector<Row> removed;
  {
    const std::unique_lock lock(mutex_);
    from = now_->codes.view();
    removed.swap(removed_meanwhile_);
  }
  try {
    CopyRows(from, std::min(from.size(), copy_->looked_at + kCopied));
  } catch (const std::bad_alloc&) {
    const std::unique_lock lock(mutex_);
    is_copying_ = false;
    removed_meanwhile_.clear();
    copy_.reset();
    throw;
  }
  RemoveFromCopy(removed);
  return copy_->looked_at < from.size();
}

void GalleryIndex::CopyRows(const Codes::View& from, std::size_t last) {
  Generation& next = *copy_->generation;
  for (; copy_->looked_at < last; ++copy_->looked_at) {
    const Row row = copy_->looked_at;
    if (from.is_removed(row)) continue;
    copy_->origins.push_back(row);
    // A label that was given to another vector meanwhile is met again in a later row.
    next.rows.Put(next.codes.Append(from, row));
  }
}

void GalleryIndex::RemoveFromCopy(std::span<const Row> removed) {
  Generation& next = *copy_->generation;
  for (const Row row : removed) {
    const auto origin = std::ranges::lower_bound(copy_->origins, row);
    // Not there where it was not copied any more, or not yet, and then will not be.
    if (origin == copy_->origins.end() || *origin != row) continue;
    const auto copied = static_cast<Row>(origin - copy_->origins.begin());
    next.codes.Remove(copied);
    const std::int64_t label = next.codes.label(copied);
    if (next.rows.Find(label) == copied) next.rows.Take(label);
  }
}

std::shared_ptr<GalleryIndex::Generation> GalleryIndex::TakeOver() {
  std::unique_ptr<Copy> done;
  const std::unique_lock lock(mutex_);
  // What came since the last copying is next; memory for rows is not made while searches wait.
  if (copy_->looked_at < now_->codes.size() || !removed_meanwhile_.empty()) return {};
  is_copying_ = false;
  done = std::move(copy_);
  return std::exchange(now_, std::move(done->generation));
}

void GalleryIndex::ReportGraphs() {
  std::shared_ptr<const Graph> graph;
  {
    const std::shared_lock lock(mutex_);
    graph = now_->graph;
  }
  linked_ = graph ? graph->linked() : 0;
  std::size_t bytes = graph ? graph->bytes() : 0;
  if (copy_) {
    const Generation& next = *copy_->generation;
    bytes += next.codes.bytes() + next.rows.bytes() + (next.graph ? next.graph->bytes() : 0);
  }
  background_bytes_ = bytes;
}

}  // namespace visage::search
