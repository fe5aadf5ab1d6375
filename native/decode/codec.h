#pragma once

#include <cstdint>
#include <span>

#include "base/image.h"
#include "decode/colour.h"
#include "decode/decode.h"

namespace visage::decode {

struct StoredPicture {
  base::Image image;
  int full_width = 0;
  int full_height = 0;
  int orientation = 1;
  ColourSpace colour = {};
};

/// Codecs call it before they allocate pixels. @throws kImageTooLarge or kInvalidImage.
void CheckSize(std::int64_t width, std::int64_t height);

/// For a part of an image, which may be small. @throws kImageTooLarge, kInvalidImage if empty.
void CheckCodedSize(std::int64_t width, std::int64_t height);

/// Call before a library decodes so many pixels in one call. @throws base::Deferred.
void BeginInOneGo(std::int64_t pixels);

/// @throws kUnsupportedImage: this build lacks the format's library.
[[noreturn]] void RefuseMissing(ImageFormat format);

/// `bytes` start with the format's signature. Throws as Decode(). Thread-safe.
StoredPicture DecodeJpeg(std::span<const std::uint8_t> bytes, const Reduction& reduction);
StoredPicture DecodePng(std::span<const std::uint8_t> bytes);
StoredPicture DecodeWebp(std::span<const std::uint8_t> bytes);
StoredPicture DecodeBmp(std::span<const std::uint8_t> bytes);
StoredPicture DecodeGif(std::span<const std::uint8_t> bytes);
StoredPicture DecodeTiff(std::span<const std::uint8_t> bytes);
StoredPicture DecodeJpeg2000(std::span<const std::uint8_t> bytes, const Reduction& reduction);
/// @param format becomes kHeic or kAvif, by the primary image's coding.
StoredPicture DecodeHeif(std::span<const std::uint8_t> bytes, ImageFormat& format);

}  // namespace visage::decode
