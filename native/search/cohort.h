#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace visage::search {

/// A pack's cohort, averages over groups of people and of degraded faces, for symmetric score normalisation
/// (P. Matejka et al., Interspeech 2017): a score is the cosine less both faces' offsets. Immutable.
class Cohort {
 public:
  /// @param vectors `rank` floats each; scaled to length 1. @param nearest 1 to the number of vectors.
  /// @param weight of the square.
  Cohort(std::span<const float> vectors, std::size_t rank, std::size_t nearest, float weight);

  /// `weight` times the squared mean of the `nearest` best cosines; 0 for a negative mean. The square spares
  /// faces in sparse regions. @param coordinates `rank` floats of length 1.
  float OffsetOf(std::span<const float> coordinates) const;

 private:
  std::size_t rank_;
  std::size_t nearest_;
  float weight_;
  std::size_t count_;
  /// [count / kLanes][rank][kLanes].
  std::vector<float> vectors_;
};

struct CohortFile {
  std::size_t dimension;
  std::size_t nearest;
  std::size_t count;
  float weight;
  /// `count * dimension` numbers, -127..127.
  std::vector<float> vectors;

  /// @param file laid out as in src/vision/cohort.ts. @throws base::Error kInternal
  static CohortFile Parse(std::span<const std::byte> file);
};

}  // namespace visage::search
