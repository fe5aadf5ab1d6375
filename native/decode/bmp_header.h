#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/image.h"

namespace visage::decode {

enum class BmpCompression : std::uint32_t {
  kNone = 0,
  kRle8 = 1,
  kRle4 = 2,
  kBitFields = 3,
  kAlphaBitFields = 6
};

/// The 8-bit value of a pixel is `table[(pixel >> shift) & mask]`.
struct BmpChannel {
  std::uint32_t mask = 0;
  int shift = 0;
  std::array<std::uint8_t, 256> table{};

  std::uint8_t Of(std::uint32_t pixel) const { return table[(pixel >> shift) & mask]; }
  bool present() const { return mask != 0; }
};

struct BmpHeader {
  int width = 0;
  int height = 0;
  bool top_down = false;
  int bits = 0;
  BmpCompression compression = BmpCompression::kNone;
  std::size_t pixels = 0;
  /// For up to 8 bits; undefined indices are black.
  std::array<std::array<std::uint8_t, base::Image::kChannels>, 256> palette{};
  BmpChannel red, green, blue, alpha;
};

/// For OS/2 (12 bytes, 16 to 64) and Windows (40 bytes, versions 2 to 5). @throws kInvalidImage,
/// kImageTooLarge, or kUnsupportedImage for embedded JPEG or PNG and unknown headers.
BmpHeader ReadBmpHeader(std::span<const std::uint8_t> bytes);

}  // namespace visage::decode
