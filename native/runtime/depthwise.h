#pragma once

#include <span>
#include <vector>

#include "runtime/fixed_point.h"
#include "runtime/maps.h"

namespace visage {

/// A convolution of each channel by itself, in floats. Immutable.
class DepthwiseConvolution {
 public:
  /// @param weights `channels` x kernel height x kernel width.
  DepthwiseConvolution(const Window& window, int channels, std::span<const float> weights, Epilogue epilogue);

  /// Both maps are of lane `kLane`.
  void Run(const Maps& in, const Maps& out) const;

 private:
  template <int kStride>
  void RunThree(const Maps& in, const Maps& out) const;
  void RunAny(const Maps& in, const Maps& out) const;

  Window window_;
  /// For each lane of channels: kernel height x kernel width x `kLane`.
  std::vector<float> weights_;
  Epilogue epilogue_;
};

}  // namespace visage
