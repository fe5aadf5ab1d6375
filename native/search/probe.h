#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace visage::search {

/// A vector as 16-bit numbers with a scale. Immutable.
///
/// Numbers are as large as the kernels' 32-bit sums allow: precise up to 512 dimensions.
class Probe {
 public:
  /// @param vector finite.
  explicit Probe(std::span<const float> vector);

  /// PaddedDimension of the vector's, aligned to 64 bytes.
  const std::int16_t* values() const { return lines_.front().values; }
  double scale() const { return scale_; }
  /// Euclidean length of `values()`, rounded up.
  float length() const { return length_; }

 private:
  struct alignas(64) Line {
    std::int16_t values[32];
  };

  std::vector<Line> lines_;
  double scale_ = 0;
  float length_ = 0;
};

}  // namespace visage::search
