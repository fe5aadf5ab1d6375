#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/image.h"

namespace visage {

/// Values of `biCompression` that are decoded.
enum class BmpCompression : std::uint32_t {
  kNone = 0,
  kRle8 = 1,
  kRle4 = 2,
  kBitFields = 3,
  kAlphaBitFields = 6
};

/// One channel of a pixel of 16 or 32 bits: `table[(pixel >> shift) & mask]` is its value in 8 bits.
struct BmpChannel {
  std::uint32_t mask = 0;
  int shift = 0;
  std::array<std::uint8_t, 256> table{};

  std::uint8_t Of(std::uint32_t pixel) const { return table[(pixel >> shift) & mask]; }
  bool present() const { return mask != 0; }
};

/// What the headers of a BMP file say, checked: every field is within its limits and the file holds the
/// palette.
struct BmpHeader {
  int width = 0;
  int height = 0;
  bool top_down = false;
  int bits = 0;
  BmpCompression compression = BmpCompression::kNone;
  /// Where the pixels begin; not after the file's end.
  std::size_t pixels = 0;
  /// Of files of up to 8 bits; indices that the file does not define are black.
  std::array<std::array<std::uint8_t, Image::kChannels>, 256> palette{};
  /// Of files of 16 and 32 bits.
  BmpChannel red, green, blue, alpha;
};

/// Reads the file header, the OS/2 (12 bytes) or Windows header (40 bytes, versions 2 to 5), masks and
/// palette (Microsoft's BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER, BITMAPV4HEADER,
/// BITMAPV5HEADER).
/// @throws Error kInvalidImage, kImageTooLarge, or kUnsupportedImage for embedded JPEG or PNG and unknown
/// headers.
BmpHeader ReadBmpHeader(std::span<const std::uint8_t> bytes);

}  // namespace visage
