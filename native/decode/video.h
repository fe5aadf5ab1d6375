#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "decode/yuv.h"

namespace visage::decode {

/// Bounds the decoded pixels of a file, since repeated parts of a small file could cost hours.
class PixelBudget {
 public:
  explicit PixelBudget(std::int64_t pixels) : left_(pixels) {}
  /// @throws kImageTooLarge.
  void Take(std::int64_t pixels);

 private:
  std::int64_t left_;
};

struct CodedPicture {
  /// Content of `hvcC` or `av1C`.
  std::span<const std::uint8_t> configuration;
  std::span<const std::uint8_t> data;
  /// As the file states it; larger bit streams are refused.
  int width = 0;
  int height = 0;
};

/// The image lives during the call.
using PictureSink = std::function<void(const YuvPicture&)>;

/// Decode one image on the calling thread. @throws kInvalidImage, kImageTooLarge, kUnsupportedImage.
void DecodeHevc(const CodedPicture& coded, PixelBudget& budget, const PictureSink& sink);
void DecodeAv1(const CodedPicture& coded, PixelBudget& budget, const PictureSink& sink);

}  // namespace visage::decode
