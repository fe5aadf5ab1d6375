#include "decode/decode.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "decode/codec.h"
#include "decode/orient.h"
#include "decode/other_files.h"

namespace visage::decode {
namespace {

bool HasAt(std::span<const std::uint8_t> bytes, std::size_t offset, std::string_view text) {
  return bytes.size() >= offset + text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char c, std::uint8_t byte) { return static_cast<std::uint8_t>(c) == byte; });
}

ImageFormat Sniff(std::span<const std::uint8_t> bytes) {
  if (HasAt(bytes, 0, "\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (HasAt(bytes, 0, "\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (HasAt(bytes, 0, "RIFF") && HasAt(bytes, 8, "WEBP")) return ImageFormat::kWebp;
  if (HasAt(bytes, 0, "BM")) return ImageFormat::kBmp;
  if (HasAt(bytes, 0, "GIF87a") || HasAt(bytes, 0, "GIF89a")) return ImageFormat::kGif;
  std::string what(NameOtherFile(bytes));
  if (!what.empty()) what = " It is " + what + ".";
  throw base::Error(base::ErrorCode::kUnsupportedImage,
                    "The image is not a JPEG, PNG, WebP, BMP or GIF file." + what);
}

StoredPicture DecodeAs(ImageFormat format, std::span<const std::uint8_t> bytes, const Reduction& reduction) {
  switch (format) {
    case ImageFormat::kJpeg:
      return DecodeJpeg(bytes, reduction);
    case ImageFormat::kPng:
      return DecodePng(bytes);
    case ImageFormat::kWebp:
      return DecodeWebp(bytes);
    case ImageFormat::kBmp:
      return DecodeBmp(bytes);
    case ImageFormat::kGif:
      return DecodeGif(bytes);
  }
  throw base::Error(base::ErrorCode::kInternal, "The image format has no decoder.");
}

}  // namespace

void CheckSize(std::int64_t width, std::int64_t height) {
  const std::string size =
      "The image is " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (std::max(width, height) > ImageLimits::kMaxSide) {
    throw base::Error(base::ErrorCode::kImageTooLarge,
                      size + "; at most " + std::to_string(ImageLimits::kMaxSide) + " a side are allowed.");
  }
  if (std::min(width, height) < ImageLimits::kMinSide) {
    throw base::Error(base::ErrorCode::kInvalidImage,
                      size + "; at least " + std::to_string(ImageLimits::kMinSide) + " a side are needed.");
  }
  if (width * height > ImageLimits::kMaxPixels) {
    throw base::Error(base::ErrorCode::kImageTooLarge,
                      size + "; at most " + std::to_string(ImageLimits::kMaxPixels) + " in all are allowed.");
  }
}

DecodedImage Decode(std::span<const std::uint8_t> bytes, const Reduction& reduction) {
  if (bytes.empty()) throw base::Error(base::ErrorCode::kInvalidImage, "The image has no bytes.");
  if (bytes.size() > ImageLimits::kMaxBytes) {
    throw base::Error(base::ErrorCode::kImageTooLarge,
                      "The image has " + std::to_string(bytes.size()) + " bytes; at most " +
                          std::to_string(ImageLimits::kMaxBytes) + " are allowed.");
  }
  const ImageFormat format = Sniff(bytes);
  StoredPicture stored = DecodeAs(format, bytes, reduction);

  if (stored.orientation >= 5) std::swap(stored.full_width, stored.full_height);
  return {.image = Orient(std::move(stored.image), stored.orientation),
          .full_width = stored.full_width,
          .full_height = stored.full_height,
          .format = format};
}

}  // namespace visage::decode
