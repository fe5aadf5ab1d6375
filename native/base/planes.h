#pragma once

#include <cstddef>

#include "base/network_input.h"
#include "base/pixel.h"

namespace visage::base {

class PlaneWriter {
 public:
  /// @param out must outlive the writer.
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

  /// Grey is ITU-R BT.601 luma.
  VISAGE_DEVICE void Write(int x, int y, const Colour& colour) const {
    const std::size_t at = static_cast<std::size_t>(y) * width_ + x;
    if (grey_) {
      out_[at] =
          (0.299f * colour.red + 0.587f * colour.green + 0.114f * colour.blue) * scale_[0] + offset_[0];
      return;
    }
    planes_[0][at] = colour.red * scale_[0] + offset_[0];
    planes_[1][at] = colour.green * scale_[1] + offset_[1];
    planes_[2][at] = colour.blue * scale_[2] + offset_[2];
  }

  VISAGE_DEVICE void Clear(int x, int y) const {
    const std::size_t at = static_cast<std::size_t>(y) * width_ + x;
    for (int plane = 0; plane < (grey_ ? 1 : 3); ++plane) out_[plane * plane_ + at] = 0;
  }

 private:
  float* out_;
  std::size_t plane_;
  bool grey_;
  int width_;
  float* planes_[3];
  float scale_[3];
  float offset_[3];
};

}  // namespace visage::base
