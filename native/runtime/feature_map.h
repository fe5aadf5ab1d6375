#pragma once

#include <cstddef>

namespace visage::runtime {

inline constexpr int kLane = 16;

constexpr int Padded(int size) { return (size + kLane - 1) / kLane * kLane; }

/// Planes of `height` x `width` pixels with `lane` channels each. Lane 1 is ONNX's layout; with `kLane`,
/// convolutions access memory sequentially. Padding channels are 0.
struct FeatureMap {
  float* values = nullptr;
  int height = 0;
  int width = 0;
  int channels = 0;
  int lane = kLane;

  int pixels() const { return height * width; }
  int planes() const { return (channels + lane - 1) / lane; }
  std::ptrdiff_t plane_size() const { return static_cast<std::ptrdiff_t>(pixels()) * lane; }
  std::ptrdiff_t size() const { return planes() * plane_size(); }
  float* Row(int plane, int y) const {
    return values + plane * plane_size() + static_cast<std::ptrdiff_t>(y) * width * lane;
  }
};

struct ConvGeometry {
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
  bool is_point() const {
    return size() == 1 && stride_y == 1 && stride_x == 1 && pad_top == 0 && pad_left == 0 &&
           pad_bottom == 0 && pad_right == 0;
  }
  bool is_halving() const {
    return kernel_height == 2 && kernel_width == 2 && stride_y == 2 && stride_x == 2 && dilation_y == 1 &&
           dilation_x == 1 && pad_top == 0 && pad_left == 0 && pad_bottom == 0 && pad_right == 0;
  }
  /// 0 if the kernel exceeds the input.
  int OutputHeight(int height) const {
    return Places(height + pad_top + pad_bottom - dilation_y * (kernel_height - 1), stride_y);
  }
  int OutputWidth(int width) const {
    return Places(width + pad_left + pad_right - dilation_x * (kernel_width - 1), stride_x);
  }

 private:
  static int Places(int room, int stride) { return room < 1 ? 0 : (room - 1) / stride + 1; }
};

}  // namespace visage::runtime
