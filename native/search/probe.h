#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace visage::search {

/// A vector to be compared with the rows of Codes: 16-bit numbers, padded with zeros, and a scale.
///
/// The numbers are as large as they may be for the kernels' 32-bit sums to hold whatever a row's values are;
/// up to 512 dimensions that costs no precision. Immutable.
class Probe {
 public:
  /// @param vector finite floats.
  explicit Probe(std::span<const float> vector);

  /// PaddedDimension of the vector's, aligned to 64 bytes.
  const std::int16_t* values() const { return lines_.front().values; }
  /// The vector is `values() * scale()` but for rounding; 0 for a zero vector.
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
