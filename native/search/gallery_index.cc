#include "search/gallery_index.h"

#include <algorithm>
#include <mutex>

#include "search/exact.h"

namespace visage {
namespace {

GalleryIndex::Matches MatchesOf(const Codes::View& view, const Probe& probe, Nearest& nearest) {
  GalleryIndex::Matches matches;
  for (const auto& [score, row] : nearest.Take()) {
    matches.labels.push_back(view.label(row));
    matches.scores.push_back(static_cast<float>(score * probe.scale()));
  }
  return matches;
}

}  // namespace

GalleryIndex::GalleryIndex(std::size_t dimension) : codes_(dimension) {}

void GalleryIndex::Add(std::span<const std::int64_t> labels, std::span<const float> vectors) {
  const std::unique_lock lock(mutex_);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const Codes::Row row = codes_.Append(labels[i], vectors.subspan(i * dimension(), dimension()));
    const auto [held, is_new] = rows_.try_emplace(labels[i], row);
    if (is_new) continue;
    codes_.Remove(held->second);
    held->second = row;
  }
  Report();
}

std::size_t GalleryIndex::Remove(std::span<const std::int64_t> labels) {
  const std::unique_lock lock(mutex_);
  std::size_t removed = 0;
  for (const std::int64_t label : labels) {
    const auto held = rows_.find(label);
    if (held == rows_.end()) continue;
    codes_.Remove(held->second);
    rows_.erase(held);
    ++removed;
  }
  Report();
  return removed;
}

IndexContents GalleryIndex::Contents() const {
  const std::shared_lock lock(mutex_);
  IndexContents contents{codes_.view(), {}};
  for (std::size_t row = 0; row < contents.view.size(); row += Codes::kBlock) {
    contents.tombstones.push_back(contents.view.Tombstones(static_cast<Codes::Row>(row)));
  }
  return contents;
}

void GalleryIndex::Adopt(Codes codes) {
  std::unordered_map<std::int64_t, Codes::Row> rows;
  rows.reserve(codes.size());
  const Codes::View view = codes.view();
  for (Codes::Row row = 0; row < view.size();) {
    const Codes::Rows piece = view.From(row);
    for (std::size_t i = 0; i < piece.count; ++i, ++row) {
      if (!rows.emplace(piece.labels[i], row).second) throw SnapshotError("it is damaged");
    }
  }
  const std::unique_lock lock(mutex_);
  codes_ = std::move(codes);
  rows_ = std::move(rows);
  Report();
}

std::vector<std::int64_t> GalleryIndex::Labels() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::int64_t> labels;
  labels.reserve(rows_.size());
  for (const auto& [label, row] : rows_) labels.push_back(label);
  return labels;
}

void GalleryIndex::Report() {
  size_ = rows_.size();
  bytes_ = codes_.bytes();
}

GalleryIndex::Matches GalleryIndex::Search(std::span<const float> probe, std::size_t k) const {
  std::shared_lock lock(mutex_);
  const Codes::View view = codes_.view();
  lock.unlock();
  const Probe codes(probe);
  Nearest nearest(k);
  ScanExact(BestKernels(), view, codes, 0, view.size(), nearest);
  return MatchesOf(view, codes, nearest);
}

GalleryIndex::Matches GalleryIndex::Search(std::span<const float> probe, std::size_t k,
                                           std::span<const std::int64_t> allowed) const {
  std::vector<Codes::Row> rows;
  std::shared_lock lock(mutex_);
  const Codes::View view = codes_.view();
  rows.reserve(std::min(allowed.size(), rows_.size()));
  for (const std::int64_t label : allowed) {
    if (const auto held = rows_.find(label); held != rows_.end()) rows.push_back(held->second);
  }
  lock.unlock();
  // In the order of memory, each once. Computing just these products is never more work than a masked pass
  // over all.
  std::ranges::sort(rows);
  rows.erase(std::ranges::unique(rows).begin(), rows.end());
  const Probe codes(probe);
  Nearest nearest(k);
  ScanExact(BestKernels(), view, codes, rows, nearest);
  return MatchesOf(view, codes, nearest);
}

}  // namespace visage
