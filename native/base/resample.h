#pragma once

#include <vector>

#include "base/geometry.h"
#include "base/image.h"
#include "base/network_input.h"

namespace visage {

/// Resizes a rectangle of a picture into a network's input in one pass, without an image in between.
///
/// The filter is bilinear where the picture grows and a triangle as wide as two source steps where it
/// shrinks, so that fine structure does not alias. An object keeps its buffers and belongs to one thread at a
/// time.
class Resampler {
 public:
  /// @param source rectangle in pixels of `image`, cut to the picture; must touch it.
  /// @param width, height size in pixels, at most the input's, that the rectangle is given in the top left
  /// corner
  ///        of `out`. The rest is filled with the value that stands for `input.mean`, which is 0.
  /// @param out `input.size()` floats.
  void Run(const ImageView& image, const Box& source, const NetworkInput& input, int width, int height,
           float* out);

 private:
  /// Source pixels and weights that make one row or column of the result.
  struct Stretch {
    int first;
    int count;
    std::size_t weights;
  };
  struct Axis {
    std::vector<Stretch> taps;
    std::vector<float> weights;
  };

  static void Plan(float start, float length, int source_size, int target_size, Axis& axis);

  Axis columns_;
  Axis rows_;
  std::vector<float> sums_;
};

}  // namespace visage
