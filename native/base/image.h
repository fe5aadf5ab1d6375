#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace visage::base {

/// 8-bit RGB. One readable byte follows the last pixel, so a pixel loads as four bytes.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;

  const std::uint8_t* Row(int y) const { return data + y * stride; }
};

/// 8-bit RGB without row padding, not initialised.
class Image {
 public:
  static constexpr int kChannels = 3;

  Image() = default;
  /// @param width, height at least 1; `width * height * 3` must fit an int.
  Image(int width, int height)
      : pixels_(std::make_unique_for_overwrite<std::uint8_t[]>(
            static_cast<std::size_t>(width) * height * kChannels + 1)),
        width_(width),
        height_(height) {}

  int width() const { return width_; }
  int height() const { return height_; }
  std::ptrdiff_t stride() const { return static_cast<std::ptrdiff_t>(width_) * kChannels; }
  std::size_t size_bytes() const { return static_cast<std::size_t>(stride()) * height_; }
  std::uint8_t* data() { return pixels_.get(); }
  const std::uint8_t* data() const { return pixels_.get(); }
  std::uint8_t* Row(int y) { return data() + y * stride(); }
  const std::uint8_t* Row(int y) const { return data() + y * stride(); }
  ImageView view() const { return {data(), width_, height_, stride()}; }

 private:
  std::unique_ptr<std::uint8_t[]> pixels_;
  int width_ = 0;
  int height_ = 0;
};

}  // namespace visage::base
