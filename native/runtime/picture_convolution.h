#pragma once

#include <span>
#include <vector>

#include "runtime/fixed_point.h"
#include "runtime/maps.h"

namespace visage {

/// A convolution of a network's input, in floats. Immutable.
///
/// A picture has few channels, so that its pixels are read where they are, a plane after another: making
/// integers of them, and windows of those, costs more than is gained by multiplying them.
class PictureConvolution {
 public:
  /// @param weights `outputs` x `inputs` x kernel height x kernel width.
  PictureConvolution(const Window& window, int inputs, int outputs, std::span<const float> weights,
                     Epilogue epilogue);

  /// @param in of lane 1. @param out of lane `kLane`.
  void Run(const Maps& in, const Maps& out) const;

 private:
  Window window_;
  /// For each lane of outputs: inputs x kernel height x kernel width x `kLane`.
  std::vector<float> weights_;
  Epilogue epilogue_;
};

}  // namespace visage
