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
    planes_ = {out + (bgr ? 2 * plane_ : 0), out + plane_, out + (bgr ? 0 : 2 * plane_)};
    scale_ = input.scale;
    offset_ = -input.mean * input.scale;
  }

  /// Red, green, blue 0..255 of the pixel in column `x` of row `y`. Grey is ITU-R BT.601 luma.
  void Write(int x, int y, float red, float green, float blue) const {
    const std::size_t at = static_cast<std::size_t>(y) * width_ + x;
    if (grey_) {
      out_[at] = (0.299f * red + 0.587f * green + 0.114f * blue) * scale_ + offset_;
      return;
    }
    planes_[0][at] = red * scale_ + offset_;
    planes_[1][at] = green * scale_ + offset_;
    planes_[2][at] = blue * scale_ + offset_;
  }

 private:
  float* out_;
  std::size_t plane_;
  bool grey_;
  int width_;
  std::array<float*, 3> planes_;
  float scale_;
  float offset_;
};

}  // namespace visage
