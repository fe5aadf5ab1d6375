#pragma once

#include <array>

#include "base/network_input.h"

namespace visage {

/// Writes RGB pixels straight into a network's input buffer, in its channel order and value range.
class PlaneWriter {
 public:
  /// @param out `input.size()` floats, borrowed for the writer's life.
  PlaneWriter(const NetworkInput& input, float* out)
      : out_(out), plane_(input.plane_size()), grey_(input.channels == Channels::kGrey), width_(input.width) {
    const bool bgr = input.channels == Channels::kBgr;
    for (std::size_t colour = 0; colour < 3; ++colour) {
      const std::size_t at = bgr ? 2 - colour : colour;
      planes_[colour] = out + at * plane_;
      scale_[colour] = input.scale[grey_ ? 0 : at];
      offset_[colour] = -input.mean[grey_ ? 0 : at] * scale_[colour];
    }
  }

  /// Red, green, blue 0..255 of the pixel in column `x` of row `y`. Grey is ITU-R BT.601 luma.
  void Write(int x, int y, float red, float green, float blue) const {
    const std::size_t at = static_cast<std::size_t>(y) * width_ + x;
    if (grey_) {
      out_[at] = (0.299f * red + 0.587f * green + 0.114f * blue) * scale_[0] + offset_[0];
      return;
    }
    planes_[0][at] = red * scale_[0] + offset_[0];
    planes_[1][at] = green * scale_[1] + offset_[1];
    planes_[2][at] = blue * scale_[2] + offset_[2];
  }

 private:
  float* out_;
  std::size_t plane_;
  bool grey_;
  int width_;
  std::array<float*, 3> planes_;
  /// Of red, green and blue.
  std::array<float, 3> scale_;
  std::array<float, 3> offset_;
};

}  // namespace visage
