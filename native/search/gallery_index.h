#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "search/codes.h"
#include "search/snapshot.h"

namespace visage {

/// Inner-product search over the vectors of one gallery, each known by a label.
///
/// Vectors of any length are kept as 16-bit numbers. Over unit vectors a unit probe's score is the cosine,
/// -1..1, to about 1e-5; a longer probe's is as many times larger in the same order, a zero probe's is 0
/// everywhere. Thread-safe; searches run side by side, and beside writes.
class GalleryIndex {
 public:
  struct Matches {
    std::vector<std::int64_t> labels;
    std::vector<float> scores;
  };

  /// @param dimension floats of a vector, 1..65536.
  explicit GalleryIndex(std::size_t dimension);

  std::size_t dimension() const { return codes_.dimension(); }
  /// Vectors held. Does not wait for a write that is going on.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// Bytes of memory in use. Does not wait.
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  /// Adds vectors; one whose label is held replaces the held one, and the last of those that share a label
  /// stays.
  /// @param vectors `labels.size() * dimension` floats, all finite.
  void Add(std::span<const std::int64_t> labels, std::span<const float> vectors);

  /// Removes vectors. @returns how many were held.
  std::size_t Remove(std::span<const std::int64_t> labels);

  /// The `k` best or as many as there are, best first.
  /// @param probe `dimension` floats, all finite.
  Matches Search(std::span<const float> probe, std::size_t k) const;

  /// The same among the vectors with these labels; unknown and repeated ones are passed over.
  Matches Search(std::span<const float> probe, std::size_t k, std::span<const std::int64_t> allowed) const;

  /// What is held at this moment, for a snapshot.
  IndexContents Contents() const;

  /// Takes the rows of a snapshot into an index that holds nothing. @throws SnapshotError where two have one
  /// label.
  void Adopt(Codes codes);

  /// Labels of everything held, in no order.
  std::vector<std::int64_t> Labels() const;

 private:
  /// Tells `size()` and `bytes()` what a write has changed.
  void Report();

  /// Of `codes_` and `rows_`; searches hold it to look up what they need, and not while they compute.
  mutable std::shared_mutex mutex_;
  Codes codes_;
  std::unordered_map<std::int64_t, Codes::Row> rows_;
  std::atomic<std::size_t> size_ = 0;
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace visage
