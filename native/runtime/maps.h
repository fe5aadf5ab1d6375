#pragma once

#include <cstddef>

namespace visage {

/// Channels that are handled together: 64 bytes of floats, a line of the cache.
inline constexpr int kLane = 16;

/// The next multiple of `kLane`.
constexpr int Padded(int size) { return (size + kLane - 1) / kLane * kLane; }

/// Feature maps: for each `lane` channels a plane of `height` rows of `width` pixels of `lane` floats each,
/// one plane after the other. With a lane of 1 that is how ONNX has them; with `kLane` a convolution reads
/// and writes memory in its order, whatever the number of channels. Channels beyond `channels` are zeros.
struct Maps {
  float* values = nullptr;
  int height = 0;
  int width = 0;
  int channels = 0;
  int lane = kLane;

  int pixels() const { return height * width; }
  int planes() const { return (channels + lane - 1) / lane; }
  /// Floats of a plane.
  std::ptrdiff_t plane_size() const { return static_cast<std::ptrdiff_t>(pixels()) * lane; }
  /// Floats of all planes.
  std::ptrdiff_t size() const { return planes() * plane_size(); }
  float* Row(int plane, int y) const {
    return values + plane * plane_size() + static_cast<std::ptrdiff_t>(y) * width * lane;
  }
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
  /// Whether it is one pixel, and the next one's is beside it.
  bool is_point() const {
    return size() == 1 && stride_y == 1 && stride_x == 1 && pad_top == 0 && pad_left == 0 &&
           pad_bottom == 0 && pad_right == 0;
  }
  /// Of the output; 0 or less where the window does not fit into the input.
  int OutputHeight(int height) const {
    return (height + pad_top + pad_bottom - dilation_y * (kernel_height - 1) - 1) / stride_y + 1;
  }
  int OutputWidth(int width) const {
    return (width + pad_left + pad_right - dilation_x * (kernel_width - 1) - 1) / stride_x + 1;
  }
};

}  // namespace visage
