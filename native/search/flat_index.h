#pragma once

#include <faiss/IndexFlat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <vector>

namespace visage {

/// Exact inner-product search over the vectors of one gallery, each known by a label.
///
/// Vectors are stored as they come. Over unit vectors a unit probe's score is the cosine, -1..1; a longer
/// probe's is as many times larger in the same order, a zero probe's is 0 everywhere. Thread-safe; searches
/// run side by side.
class FlatIndex {
 public:
  struct Matches {
    std::vector<std::int64_t> labels;
    std::vector<float> scores;
  };

  /// @param dimension floats of a vector, at least 1.
  explicit FlatIndex(int dimension);

  int dimension() const { return index_.d; }
  /// Vectors held. Does not wait for a write that is going on.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

  /// Adds vectors; one whose label is held replaces the held one, and the last of those that share a label
  /// stays.
  /// @param vectors `labels.size() * dimension` floats, all finite.
  void Add(std::span<const std::int64_t> labels, std::span<const float> vectors);

  /// Removes vectors, each in the time of one copy. @returns how many were held.
  std::size_t Remove(std::span<const std::int64_t> labels);

  /// The `k` best or as many as there are, best first.
  /// @param probe `dimension` floats, all finite.
  Matches Search(std::span<const float> probe, std::size_t k) const;

  /// The same among the vectors with these labels; unknown and repeated ones are passed over.
  Matches Search(std::span<const float> probe, std::size_t k, std::span<const std::int64_t> allowed) const;

 private:
  using Row = faiss::Index::idx_t;

  mutable std::shared_mutex mutex_;
  faiss::IndexFlat index_;
  std::vector<std::int64_t> labels_;
  std::unordered_map<std::int64_t, Row> rows_;
  std::atomic<std::size_t> size_ = 0;
};

}  // namespace visage
