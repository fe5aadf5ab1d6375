#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/fixed_point.h"
#include "runtime/maps.h"

namespace visage {

/// A convolution in which every output sees every input, by `FixedPointMatrix`. Immutable.
///
/// Where a window is one pixel, each few pixels are made integers by a scale of their own. Where it is
/// larger, a pixel is seen by several outputs: it is made integers once, by one scale for the whole input,
/// and the windows are put together from the integers.
class DenseConvolution {
 public:
  /// @param weights `outputs` x `inputs` x kernel height x kernel width.
  DenseConvolution(const Window& window, int inputs, int outputs, std::span<const float> weights,
                   Epilogue epilogue);

  /// Both maps are of lane `kLane`.
  /// @param added null, or maps of the shape of `out` that are added before the bend; may be `out` itself.
  void Run(const Maps& in, const float* added, const Maps& out) const;

 private:
  void RunPoints(const Maps& in, const float* added, const Maps& out) const;
  void RunWindows(const Maps& in, const float* added, const Maps& out) const;
  int BlockRows() const;

  Window window_;
  int inputs_;
  FixedPointMatrix matrix_;
  Epilogue epilogue_;
};

}  // namespace visage
