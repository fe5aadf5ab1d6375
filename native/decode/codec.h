#pragma once

#include <cstdint>
#include <span>

#include "base/image.h"
#include "decode/decode.h"

namespace visage::decode {

/// In its stored orientation.
struct StoredPicture {
  base::Image image;
  /// Larger than `image` after a reduced decode.
  int full_width = 0;
  int full_height = 0;
  int orientation = 1;
};

/// Codecs call it before they allocate pixels. @throws kImageTooLarge or kInvalidImage.
void CheckSize(std::int64_t width, std::int64_t height);

/// `bytes` start with the format's signature. Throws as Decode(). Thread-safe.
StoredPicture DecodeJpeg(std::span<const std::uint8_t> bytes, const Reduction& reduction);
StoredPicture DecodePng(std::span<const std::uint8_t> bytes);
StoredPicture DecodeWebp(std::span<const std::uint8_t> bytes);
StoredPicture DecodeBmp(std::span<const std::uint8_t> bytes);
StoredPicture DecodeGif(std::span<const std::uint8_t> bytes);

}  // namespace visage::decode
