#include "base/warp.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/lanes.h"
#include "base/pixel.h"
#include "base/planes.h"

namespace visage::base {
namespace {

struct Colours {
  static constexpr int kCount = 8;
  Floats8 red = {};
  Floats8 green = {};
  Floats8 blue = {};
};

Floats8 Floor(Floats8 values) {
  for (int i = 0; i < Colours::kCount; ++i) values[i] = std::floor(values[i]);
  return values;
}

void AddSamples(const ImageView& image, Floats8 x, Floats8 y, Colours& sum) {
  const Floats8 floor_x = Floor(x), floor_y = Floor(y);
  const Ints8 left = __builtin_convertvector(floor_x, Ints8), top = __builtin_convertvector(floor_y, Ints8);
  const Floats8 right_part = x - floor_x, lower_part = y - floor_y;
  const int stride = static_cast<int>(image.stride);
  for (int dy = 0; dy < 2; ++dy) {
    const Ints8 row = top + dy;
    const Floats8 row_weight = dy ? lower_part : 1 - lower_part;
    for (int dx = 0; dx < 2; ++dx) {
      const Ints8 column = left + dx;
      const Ints8 inside = (row >= 0) & (row < image.height) & (column >= 0) & (column < image.width);
      // Pixels outside the image read pixel 0 with weight 0.
      const Ints8 at = (row * stride + column * Image::kChannels) & inside;
      const Floats8 weight = inside ? row_weight * (dx ? right_part : 1 - right_part) : Floats8{};
      Ints8 pixels;
      for (int i = 0; i < Colours::kCount; ++i) {
        std::int32_t pixel;
        std::memcpy(&pixel, image.data + at[i], sizeof pixel);
        pixels[i] = pixel;
      }
      sum.red += weight * __builtin_convertvector(pixels & 0xFF, Floats8);
      sum.green += weight * __builtin_convertvector(pixels >> 8 & 0xFF, Floats8);
      sum.blue += weight * __builtin_convertvector(pixels >> 16 & 0xFF, Floats8);
    }
  }
}

Colours WarpedPixels(const ImageView& image, const Affine& back, int grid, int x, int y) {
  const float part = 1 / static_cast<float>(grid);
  const float share = part * part;
  constexpr Floats8 kColumns = {0, 1, 2, 3, 4, 5, 6, 7};
  Colours sum;
  for (int j = 0; j < grid; ++j) {
    for (int i = 0; i < grid; ++i) {
      const Floats8 at_x = static_cast<float>(x) + kColumns + (static_cast<float>(i) + 0.5f) * part;
      const float at_y = static_cast<float>(y) + (static_cast<float>(j) + 0.5f) * part;
      AddSamples(image, back.xx * at_x + back.xy * at_y + back.shift_x - 0.5f,
                 back.yx * at_x + back.yy * at_y + back.shift_y - 0.5f, sum);
    }
  }
  return {sum.red * share, sum.green * share, sum.blue * share};
}

}  // namespace

void Warp(const ImageView& image, const Warped& framing, const NetworkInput& input, float* out) {
  const int grid = WarpGrid(framing.step);
  const PlaneWriter writer(input, out);
  for (int y = 0; y < input.height; ++y) {
    for (int left = 0; left < input.width; left += Colours::kCount) {
      const Colours colours = WarpedPixels(image, framing.back, grid, left, y);
      for (int i = 0; i < std::min(Colours::kCount, input.width - left); ++i) {
        const int x = framing.mirrored ? input.width - 1 - left - i : left + i;
        writer.Write(x, y, {colours.red[i], colours.green[i], colours.blue[i]});
      }
    }
  }
}

}  // namespace visage::base
