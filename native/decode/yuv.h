#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/image.h"
#include "decode/colour.h"

namespace visage::decode {

/// Borrows the decoder's memory.
struct YuvPicture {
  int width = 0;
  int height = 0;
  /// Of a sample, 8..16. Above 8, samples are 16-bit words.
  int bits = 8;
  bool has_chroma = true;
  /// Chroma planes have half the columns or rows, rounded up.
  bool half_width = false;
  bool half_height = false;
  std::array<const std::uint8_t*, 3> planes = {};
  /// Bytes between rows.
  std::array<std::ptrdiff_t, 3> strides = {};
  Cicp cicp;
};

/// Converts by the image's matrix and range (ITU-T H.273, 8.3), clipped, into the canvas at (left, top).
/// @param luma_only writes grey.
void ToRgb(const YuvPicture& picture, bool luma_only, base::Image& canvas, int left, int top);

}  // namespace visage::decode
