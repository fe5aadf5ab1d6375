#include "decode/decode.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/yield.h"
#include "decode/boxes.h"
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

/// By a brand of ISO/IEC 23008-12, annex B, or of AVIF.
bool IsHeif(std::span<const std::uint8_t> bytes) {
  const auto box = BoxReader(bytes).Next();
  if (!box || box->type != FourCharacters("ftyp")) return false;
  for (std::size_t at = 0; at + 4 <= box->content.size(); at += 4) {
    if (at == 4) continue;
    for (const std::string_view brand :
         {"mif1", "mif2", "msf1", "heic", "heix", "heim", "heis", "hevc", "hevx", "avif", "avis"}) {
      if (HasAt(box->content, at, brand)) return true;
    }
  }
  return false;
}

ImageFormat Sniff(std::span<const std::uint8_t> bytes) {
  if (HasAt(bytes, 0, "\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (HasAt(bytes, 0, "\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (HasAt(bytes, 0, "RIFF") && HasAt(bytes, 8, "WEBP")) return ImageFormat::kWebp;
  if (HasAt(bytes, 0, "BM")) return ImageFormat::kBmp;
  if (HasAt(bytes, 0, "GIF87a") || HasAt(bytes, 0, "GIF89a")) return ImageFormat::kGif;
  if (HasAt(bytes, 0, {"II*\0", 4}) || HasAt(bytes, 0, {"MM\0*", 4}) || HasAt(bytes, 0, {"II+\0", 4}) ||
      HasAt(bytes, 0, {"MM\0+", 4})) {
    return ImageFormat::kTiff;
  }
  if (HasAt(bytes, 0, {"\0\0\0\x0CjP  \r\n\x87\n", 12}) || HasAt(bytes, 0, "\xFF\x4F\xFF\x51")) {
    return ImageFormat::kJpeg2000;
  }
  if (IsHeif(bytes)) return ImageFormat::kHeic;
  std::string what(NameOtherFile(bytes));
  if (!what.empty()) what = " It is " + what + ".";
  throw base::Error(
      base::ErrorCode::kUnsupportedImage,
      "The image is not a JPEG, PNG, WebP, BMP, GIF, TIFF, JPEG 2000, HEIC or AVIF file." + what);
}

StoredPicture DecodeAs(ImageFormat& format, std::span<const std::uint8_t> bytes, const Reduction& reduction) {
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
    case ImageFormat::kTiff:
#ifdef VISAGE_TIFF
      return DecodeTiff(bytes);
#else
      RefuseMissing(format);
#endif
    case ImageFormat::kJpeg2000:
#ifdef VISAGE_JPEG2000
      return DecodeJpeg2000(bytes, reduction);
#else
      RefuseMissing(format);
#endif
    case ImageFormat::kHeic:
    case ImageFormat::kAvif:
      return DecodeHeif(bytes, format);
  }
  throw base::Error(base::ErrorCode::kInternal, "The image format has no decoder.");
}

std::string SizeText(std::int64_t width, std::int64_t height) {
  return "The image is " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

}  // namespace

void CheckCodedSize(std::int64_t width, std::int64_t height) {
  if (std::max(width, height) > ImageLimits::kMaxSide) {
    throw base::Error(base::ErrorCode::kImageTooLarge, SizeText(width, height) + "; at most " +
                                                           std::to_string(ImageLimits::kMaxSide) +
                                                           " a side are allowed.");
  }
  if (width * height > ImageLimits::kMaxPixels) {
    throw base::Error(base::ErrorCode::kImageTooLarge, SizeText(width, height) + "; at most " +
                                                           std::to_string(ImageLimits::kMaxPixels) +
                                                           " in all are allowed.");
  }
  if (width * height == 0) {
    throw base::Error(base::ErrorCode::kInvalidImage, SizeText(width, height) + ".");
  }
}

void CheckSize(std::int64_t width, std::int64_t height) {
  if (std::max(width, height) > ImageLimits::kMaxSide) CheckCodedSize(width, height);
  if (std::min(width, height) < ImageLimits::kMinSide) {
    throw base::Error(base::ErrorCode::kInvalidImage, SizeText(width, height) + "; at least " +
                                                          std::to_string(ImageLimits::kMinSide) +
                                                          " a side are needed.");
  }
  CheckCodedSize(width, height);
}

void BeginInOneGo(std::int64_t pixels) {
  // They take less than 20 ms.
  constexpr std::int64_t kFewPixels = 1 << 19;
  if (pixels > kFewPixels) base::BeginIndivisible();
}

void RefuseMissing(ImageFormat format) {
  const char* const name = format == ImageFormat::kTiff       ? "TIFF"
                           : format == ImageFormat::kJpeg2000 ? "JPEG 2000"
                           : format == ImageFormat::kAvif     ? "AVIF"
                                                              : "HEIC";
  throw base::Error(base::ErrorCode::kUnsupportedImage,
                    std::string("The image is in the format ") + name +
                        ", for which this installation of Visage has no decoder.");
}

DecodedImage Decode(std::span<const std::uint8_t> bytes, const Reduction& reduction) {
  if (bytes.empty()) throw base::Error(base::ErrorCode::kInvalidImage, "The image has no bytes.");
  if (bytes.size() > ImageLimits::kMaxBytes) {
    throw base::Error(base::ErrorCode::kImageTooLarge,
                      "The image has " + std::to_string(bytes.size()) + " bytes; at most " +
                          std::to_string(ImageLimits::kMaxBytes) + " are allowed.");
  }
  ImageFormat format = Sniff(bytes);
  StoredPicture stored = DecodeAs(format, bytes, reduction);
#ifdef VISAGE_ICC
  ToSrgb(stored.image, stored.colour);
#endif

  const bool has_finer = (format == ImageFormat::kJpeg || format == ImageFormat::kJpeg2000) &&
                         stored.image.width() < stored.full_width;
  if (stored.orientation >= 5) std::swap(stored.full_width, stored.full_height);
  return {.image = Orient(std::move(stored.image), stored.orientation),
          .full_width = stored.full_width,
          .full_height = stored.full_height,
          .has_finer = has_finer,
          .format = format};
}

}  // namespace visage::decode
