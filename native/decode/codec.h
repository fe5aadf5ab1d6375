#pragma once

#include <cstdint>
#include <span>

#include "base/image.h"
#include "decode/decode.h"

namespace visage {

/// A picture as its file stores it, before the orientation is applied: what every codec of this folder
/// answers.
struct StoredPicture {
  Image image;
  /// Size in the file's header; larger than `image` if it was decoded at a reduced scale.
  int full_width = 0;
  int full_height = 0;
  /// EXIF orientation, 1..8.
  int orientation = 1;
};

/// Compares a size claimed by a header with ImageLimits. Every codec calls it before it allocates pixels.
/// @throws Error kImageTooLarge or kInvalidImage, with the numbers.
void CheckSize(std::int64_t width, std::int64_t height);

/// One function a format. `bytes` begin with the format's signature and are borrowed for the call; errors are
/// those of Decode() in "decode/decode.h". All are thread-safe.
StoredPicture DecodeJpeg(std::span<const std::uint8_t> bytes, const Reduction& reduction);
StoredPicture DecodePng(std::span<const std::uint8_t> bytes);
StoredPicture DecodeWebp(std::span<const std::uint8_t> bytes);
StoredPicture DecodeBmp(std::span<const std::uint8_t> bytes);
StoredPicture DecodeGif(std::span<const std::uint8_t> bytes);

}  // namespace visage
