#include "decode/orient.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace visage {
namespace {

/// Pixels a side of the squares in which pixels are moved: 32 rows of 96 bytes on either side stay in the L1
/// cache, where moving row by row would miss it at every pixel of a transposed picture.
constexpr int kTile = 32;

}  // namespace

Image Orient(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;

  // The first stored row is the scene's top (1, 2), bottom (3, 4), left (5, 8) or right (6, 7) side ...
  const bool transposed = orientation >= 5;
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const int width = image.width();
  const int height = image.height();
  Image upright(transposed ? height : width, transposed ? width : height);

  // ... so that a step along a stored row or column is a fixed step in the upright picture.
  const std::ptrdiff_t right = flip_x ? -Image::kChannels : Image::kChannels;
  const std::ptrdiff_t down = flip_y ? -upright.stride() : upright.stride();
  const std::ptrdiff_t step_x = transposed ? down : right;
  const std::ptrdiff_t step_y = transposed ? right : down;
  std::uint8_t* const origin =
      upright.Row(flip_y ? upright.height() - 1 : 0) + (flip_x ? upright.stride() - Image::kChannels : 0);

  for (int top = 0; top < height; top += kTile) {
    for (int left = 0; left < width; left += kTile) {
      const int bottom = std::min(top + kTile, height);
      const int count = std::min(kTile, width - left);
      for (int y = top; y < bottom; ++y) {
        const std::uint8_t* from = image.Row(y) + left * Image::kChannels;
        std::uint8_t* to = origin + y * step_y + left * step_x;
        for (int i = 0; i < count; ++i, from += Image::kChannels, to += step_x) {
          std::memcpy(to, from, Image::kChannels);
        }
      }
    }
  }
  return upright;
}

}  // namespace visage
