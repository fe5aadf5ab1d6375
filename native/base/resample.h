#pragma once

#include <vector>

#include "base/geometry.h"
#include "base/image.h"
#include "base/network_input.h"

namespace visage::base {

/// Bilinear when enlarging, a triangle filter when shrinking.
class Resampler {
 public:
  /// @param source clipped to the image. @param width, height of the result, at the top left of `out`;
  /// padding is 0.
  void Run(const ImageView& image, const Box& source, const NetworkInput& input, int width, int height,
           float* out);

 private:
  struct TapRange {
    int first;
    int count;
    std::size_t weights;
  };
  struct Axis {
    std::vector<TapRange> taps;
    std::vector<float> weights;
  };

  static void Plan(float start, float length, int source_size, int target_size, Axis& axis);

  Axis columns_;
  Axis rows_;
  std::vector<float> sums_;
};

}  // namespace visage::base
