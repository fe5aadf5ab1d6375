#pragma once

#include <cstdint>
#include <span>

#include "base/image.h"

namespace visage {

/// Containers that are recognised by their first bytes.
enum class ImageFormat { kJpeg, kPng, kWebp, kBmp, kGif };

/// Limits of the wire contract, checked against the header before a pixel is decoded.
struct ImageLimits {
  static constexpr std::size_t kMaxBytes = 10'000'000;
  static constexpr int kMinSide = 64;
  static constexpr int kMaxSide = 8192;
  static constexpr std::int64_t kMaxPixels = 40'000'000;
};

/// How far a picture may be reduced while it is decoded. Without anything said it keeps its full size.
struct Reduction {
  /// Pixels that the longer side keeps at least.
  int least_side = 0;
  /// Share of its pixels, 0..1, that each side keeps at least.
  float least_scale = 1;
};

/// A decoded picture: upright, RGB, alpha laid over white, 16 bits reduced to 8.
struct DecodedImage {
  Image image;
  /// Size of the upright picture as it was sent; larger than `image` if it was decoded at a reduced scale.
  int full_width = 0;
  int full_height = 0;
  ImageFormat format = ImageFormat::kJpeg;
};

/// Decodes a picture and applies its EXIF orientation, once.
///
/// @param bytes the file as it came; borrowed for the call.
/// @param reduction JPEG only: the picture is decoded at 1/2, 1/4 or 1/8 of its size, the least that this
///        allows, by the scaled inverse transform of libjpeg-turbo.
/// @throws Error kUnsupportedImage if the first bytes name no known format, kImageTooLarge if a limit of
///         ImageLimits is passed, kInvalidImage if the file is too small a picture, cut short or broken.
/// Thread-safe.
DecodedImage Decode(std::span<const std::uint8_t> bytes, const Reduction& reduction = {});

}  // namespace visage
