#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/fixed_point.h"

namespace visage {

/// Feature maps: `height` rows of `width` pixels of `stride` floats each. The first `channels` of a pixel are
/// its values, the rest are zeros.
struct Maps {
  float* values = nullptr;
  int height = 0;
  int width = 0;
  int channels = 0;
  int stride = 0;

  float* Pixel(int y, int x) const { return values + (static_cast<std::ptrdiff_t>(y) * width + x) * stride; }
};

/// What a convolution sees for one output, as ONNX's `Conv` has it.
struct Window {
  int kernel_height = 1;
  int kernel_width = 1;
  int stride_y = 1;
  int stride_x = 1;
  int dilation_y = 1;
  int dilation_x = 1;
  int pad_top = 0;
  int pad_left = 0;
  int pad_bottom = 0;
  int pad_right = 0;

  int size() const { return kernel_height * kernel_width; }
  /// Of the output; 0 or less where the window does not fit into the input.
  int OutputHeight(int height) const {
    return (height + pad_top + pad_bottom - dilation_y * (kernel_height - 1) - 1) / stride_y + 1;
  }
  int OutputWidth(int width) const {
    return (width + pad_left + pad_right - dilation_x * (kernel_width - 1) - 1) / stride_x + 1;
  }
};

/// A convolution in which every output sees every input, by `FixedPointMatrix`. Immutable.
class DenseConvolution {
 public:
  /// @param inputs channels of the input, and `input_stride` the floats of its pixels.
  /// @param weights `outputs` x `inputs` x kernel height x kernel width.
  DenseConvolution(const Window& window, int inputs, int input_stride, int outputs,
                   std::span<const float> weights, Epilogue epilogue);

  /// @param added null, or maps of the shape of `out` that are added before the bend; may be `out` itself.
  void Run(const Maps& in, const float* added, const Maps& out) const;

 private:
  const float* Patch(const Maps& in, int y, int x, float* room) const;

  Window window_;
  int input_stride_;
  FixedPointMatrix matrix_;
  Epilogue epilogue_;
};

/// A convolution of each channel by itself, in floats. Immutable.
class DepthwiseConvolution {
 public:
  /// @param weights `channels` x kernel height x kernel width.
  DepthwiseConvolution(const Window& window, int channels, std::span<const float> weights, Epilogue epilogue);

  /// Both maps' strides are `Padded(channels)`.
  void Run(const Maps& in, const Maps& out) const;

 private:
  /// Outputs beside each other that are worked on at once.
  static constexpr int kPixels = 4;
  /// The first pixels of three rows that they see.
  using ThreeRows = std::array<const float*, 3>;

  template <int kStride>
  void RunThree(const ThreeRows& rows, float* out) const;
  void RunOne(const Maps& in, int top, int left, float* out) const;

  Window window_;
  int stride_;
  /// Kernel height x kernel width x `stride_`.
  std::vector<float> weights_;
  Epilogue epilogue_;
};

}  // namespace visage
