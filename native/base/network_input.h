#pragma once

#include <cstddef>

namespace visage {

/// Order in which a network wants the colours of a pixel.
enum class Channels { kRgb, kBgr, kGrey };

/// What a network wants to be given: planes of `height` rows of `width` floats, one plane a channel, where
/// `value = (pixel - mean) * scale` for pixels 0..255.
struct NetworkInput {
  int width = 0;
  int height = 0;
  Channels channels = Channels::kRgb;
  float mean = 0;
  float scale = 1;

  int channel_count() const { return channels == Channels::kGrey ? 1 : 3; }
  std::size_t plane_size() const { return static_cast<std::size_t>(width) * height; }
  std::size_t size() const { return plane_size() * channel_count(); }
};

}  // namespace visage
