#include "search/flat_index.h"

#include <algorithm>
#include <mutex>
#include <numeric>

namespace visage {

FlatIndex::FlatIndex(int dimension) : index_(dimension, faiss::METRIC_INNER_PRODUCT) {}

void FlatIndex::Add(std::span<const std::int64_t> labels, std::span<const float> vectors) {
  const std::unique_lock lock(mutex_);
  const std::size_t width = static_cast<std::size_t>(dimension());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const float* vector = vectors.data() + i * width;
    const auto [held, is_new] = rows_.try_emplace(labels[i], index_.ntotal);
    if (is_new) {
      labels_.push_back(labels[i]);
      index_.add(1, vector);
    } else {
      std::copy_n(vector, width, index_.get_xb() + held->second * width);
    }
  }
  size_ = labels_.size();
}

std::size_t FlatIndex::Remove(std::span<const std::int64_t> labels) {
  const std::unique_lock lock(mutex_);
  const std::size_t width = static_cast<std::size_t>(dimension());
  std::size_t removed = 0;
  for (const std::int64_t label : labels) {
    const auto held = rows_.find(label);
    if (held == rows_.end()) continue;
    const Row row = held->second;
    const Row last = index_.ntotal - 1;
    rows_.erase(held);
    if (row != last) {
      std::copy_n(index_.get_xb() + last * width, width, index_.get_xb() + row * width);
      labels_[row] = labels_[last];
      rows_[labels_[row]] = row;
    }
    labels_.pop_back();
    index_.codes.resize(static_cast<std::size_t>(last) * index_.code_size);
    index_.ntotal = last;
    ++removed;
  }
  size_ = labels_.size();
  return removed;
}

FlatIndex::Matches FlatIndex::Search(std::span<const float> probe, std::size_t k) const {
  const std::shared_lock lock(mutex_);
  Matches matches;
  k = std::min(k, labels_.size());
  if (k == 0) return matches;
  matches.labels.resize(k);
  matches.scores.resize(k);
  index_.search(1, probe.data(), static_cast<Row>(k), matches.scores.data(), matches.labels.data());
  for (std::int64_t& row : matches.labels) row = labels_[row];
  return matches;
}

FlatIndex::Matches FlatIndex::Search(std::span<const float> probe, std::size_t k,
                                     std::span<const std::int64_t> allowed) const {
  const std::shared_lock lock(mutex_);
  std::vector<Row> rows;
  rows.reserve(std::min(allowed.size(), labels_.size()));
  for (const std::int64_t label : allowed) {
    if (const auto held = rows_.find(label); held != rows_.end()) rows.push_back(held->second);
  }
  // In the order of memory, each once. Computing just these products is never more work than a masked pass
  // over all.
  std::ranges::sort(rows);
  rows.erase(std::ranges::unique(rows).begin(), rows.end());
  std::vector<float> scores(rows.size());
  if (!rows.empty()) {
    index_.compute_distance_subset(1, probe.data(), static_cast<Row>(rows.size()), scores.data(),
                                   rows.data());
  }

  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  k = std::min(k, order.size());
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(k), std::ranges::greater{},
                            [&](std::size_t i) { return scores[i]; });
  Matches matches;
  for (std::size_t i = 0; i < k; ++i) {
    matches.labels.push_back(labels_[rows[order[i]]]);
    matches.scores.push_back(scores[order[i]]);
  }
  return matches;
}

}  // namespace visage
