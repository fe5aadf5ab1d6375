#pragma once

#include <cstdint>
#include <vector>

#include "base/image.h"

namespace visage::decode {

/// Code points of ITU-T H.273 (CICP); 2 means unspecified.
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

/// Leaves them unchanged if the space is sRGB, unknown or invalid. Needs lcms2. Thread-safe.
void ToSrgb(base::Image& image, const ColourSpace& space);

}  // namespace visage::decode
