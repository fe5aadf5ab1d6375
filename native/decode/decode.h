#pragma once

#include <cstdint>
#include <span>

#include "base/image.h"

namespace visage::decode {

enum class ImageFormat { kJpeg, kPng, kWebp, kBmp, kGif, kTiff, kJpeg2000, kHeic, kAvif };

/// Checked before decoding pixels.
struct ImageLimits {
  static constexpr std::size_t kMaxBytes = 10'000'000;
  static constexpr int kMinSide = 64;
  static constexpr int kMaxSide = 8192;
  /// A tiled HEIC or AVIF image may have more: Decode() then halves its sides.
  static constexpr std::int64_t kMaxPixels = 40'000'000;
};

struct Reduction {
  /// Of base::Extent(), in pixels.
  int least_side = 0;
  /// Of each side, 0..1.
  float least_scale = 1;
};

/// Upright sRGB, alpha blended with white.
struct DecodedImage {
  base::Image image;
  int full_width = 0;
  int full_height = 0;
  bool has_finer = false;
  ImageFormat format = ImageFormat::kJpeg;
};

/// Applies the EXIF orientation. Thread-safe. @param reduction for JPEG and JPEG 2000 only. @throws
/// base::Deferred, kUnsupportedImage, kImageTooLarge above ImageLimits, or kInvalidImage for a truncated,
/// broken or too small image.
DecodedImage Decode(std::span<const std::uint8_t> bytes, const Reduction& reduction = {});

}  // namespace visage::decode
