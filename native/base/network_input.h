#pragma once

#include <array>
#include <cstddef>

namespace visage::base {

enum class Channels { kRgb, kBgr, kGrey };

/// One plane per channel. `value = (pixel - mean) * scale` for pixels 0..255.
struct NetworkInput {
  int width = 0;
  int height = 0;
  Channels channels = Channels::kRgb;
  std::array<float, 3> mean = {0, 0, 0};
  std::array<float, 3> scale = {1, 1, 1};

  int channel_count() const { return channels == Channels::kGrey ? 1 : 3; }
  std::size_t plane_size() const { return static_cast<std::size_t>(width) * height; }
  std::size_t size() const { return plane_size() * channel_count(); }
};

}  // namespace visage::base
