#include "decode/orient.h"

#include <algorithm>

#include "base/yield.h"

namespace visage::decode {
namespace {

/// The fastest of 16, 32, 64 and 128 at 12 megapixels.
constexpr int kTile = 64;

}  // namespace

base::Image Orient(base::Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;

  // The first stored row is the scene's top (1, 2), bottom (3, 4), left (5, 8) or right (6, 7).
  const bool transposed = orientation >= 5;
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const int width = transposed ? image.height() : image.width();
  const int height = transposed ? image.width() : image.height();

  std::ptrdiff_t right = transposed ? image.stride() : base::Image::kChannels;
  std::ptrdiff_t down = transposed ? base::Image::kChannels : image.stride();
  const std::uint8_t* origin = image.data();
  if (flip_x) {
    origin += right * (width - 1);
    right = -right;
  }
  if (flip_y) {
    origin += down * (height - 1);
    down = -down;
  }

  base::Image upright(width, height);
  for (int top = 0; top < height; top += kTile) {
    base::YieldPoint();
    for (int left = 0; left < width; left += kTile) {
      const int bottom = std::min(top + kTile, height);
      const int count = std::min(kTile, width - left);
      for (int y = top; y < bottom; ++y) {
        const std::uint8_t* from = origin + y * down + left * right;
        std::uint8_t* to = upright.Row(y) + left * base::Image::kChannels;
        for (int i = 0; i < count; ++i, from += right, to += base::Image::kChannels) {
          to[0] = from[0];
          to[1] = from[1];
          to[2] = from[2];
        }
      }
    }
  }
  return upright;
}

}  // namespace visage::decode
