#pragma once

#include <cstdint>
#include <vector>

#include "base/image.h"

namespace visage::decode {

/// ITU-T H.273; 2 means unspecified.
struct Cicp {
  static constexpr int kUnspecified = 2;

  int primaries = kUnspecified;
  int transfer = kUnspecified;
  int matrix = kUnspecified;
  bool full_range = false;
};

/// The ICC profile counts before the code points.
struct ColourSpace {
  /// Not validated; empty if missing.
  std::vector<std::uint8_t> icc;
  Cicp cicp;
};

/// Does nothing for an sRGB, unknown or invalid space. Needs lcms2. Thread-safe.
void ToSrgb(base::Image& image, const ColourSpace& space);

}  // namespace visage::decode
