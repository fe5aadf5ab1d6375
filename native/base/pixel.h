#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/geometry.h"
#include "base/image.h"

#ifdef __CUDACC__
#define VISAGE_DEVICE __host__ __device__
#else
#define VISAGE_DEVICE
#endif

namespace visage::base {

/// 0..255, not rounded.
struct Colour {
  float red = 0;
  float green = 0;
  float blue = 0;
};

/// Maps pixels of the result to pixels of the source.
struct Affine {
  float xx = 1;
  float xy = 0;
  float yx = 0;
  float yy = 1;
  float shift_x = 0;
  float shift_y = 0;

  VISAGE_DEVICE Point Apply(Point p) const {
    return {xx * p.x + xy * p.y + shift_x, yx * p.x + yy * p.y + shift_y};
  }
};

VISAGE_DEVICE inline void AddPixel(const ImageView& image, int x, int y, float weight, Colour& sum) {
  const std::uint8_t* pixel =
      image.data + y * image.stride + static_cast<std::ptrdiff_t>(x) * Image::kChannels;
  sum.red += weight * pixel[0];
  sum.green += weight * pixel[1];
  sum.blue += weight * pixel[2];
}

/// Pixel centres are whole numbers. Outside the image is black.
VISAGE_DEVICE inline void AddSample(const ImageView& image, float x, float y, Colour& sum) {
  const float floor_x = std::floor(x), floor_y = std::floor(y);
  const int left = static_cast<int>(floor_x), top = static_cast<int>(floor_y);
  const float right_part = x - floor_x, lower_part = y - floor_y;
  for (int dy = 0; dy < 2; ++dy) {
    const int row = top + dy;
    if (row < 0 || row >= image.height) continue;
    const float row_weight = dy ? lower_part : 1 - lower_part;
    for (int dx = 0; dx < 2; ++dx) {
      const int column = left + dx;
      if (column < 0 || column >= image.width) continue;
      AddPixel(image, column, row, row_weight * (dx ? right_part : 1 - right_part), sum);
    }
  }
}

/// Samples per side; a bilinear sample covers two source pixels. @param step source pixels per result pixel.
VISAGE_DEVICE inline int WarpGrid(float step) {
  return std::clamp(static_cast<int>(std::ceil(step / 2)), 1, 16);
}

VISAGE_DEVICE inline Colour WarpedPixel(const ImageView& image, const Affine& back, int grid, int x, int y) {
  const float part = 1 / static_cast<float>(grid);
  const float share = part * part;
  Colour sum;
  for (int j = 0; j < grid; ++j) {
    for (int i = 0; i < grid; ++i) {
      const Point at = back.Apply({static_cast<float>(x) + (static_cast<float>(i) + 0.5f) * part,
                                   static_cast<float>(y) + (static_cast<float>(j) + 0.5f) * part});
      AddSample(image, at.x - 0.5f, at.y - 0.5f, sum);
    }
  }
  return {sum.red * share, sum.green * share, sum.blue * share};
}

/// Triangle filter, two steps wide, at least two pixels.
struct Tap {
  int first;
  int last;
  float centre;
  float reach;
  float total = 0;

  VISAGE_DEVICE Tap(float start, float length, int source_size, int target_size, int i) {
    const float step = length / static_cast<float>(target_size);
    reach = std::max(step, 1.0f);
    centre = start + (static_cast<float>(i) + 0.5f) * step;
    first = std::clamp(static_cast<int>(std::ceil(centre - reach - 0.5f)), 0, source_size - 1);
    last = std::clamp(static_cast<int>(std::floor(centre + reach - 0.5f)), first, source_size - 1);
    for (int s = first; s <= last; ++s) total += Height(s);
  }

  VISAGE_DEVICE float Weight(int s) const { return Height(s) / total; }

 private:
  VISAGE_DEVICE float Height(int s) const {
    return std::max(1.0f - std::abs(static_cast<float>(s) + 0.5f - centre) / reach, 1e-6f);
  }
};

VISAGE_DEVICE inline Colour ResizedPixel(const ImageView& image, const Tap& column, const Tap& row) {
  Colour sum;
  for (int x = column.first; x <= column.last; ++x) {
    Colour of_column;
    for (int y = row.first; y <= row.last; ++y) AddPixel(image, x, y, row.Weight(y), of_column);
    const float weight = column.Weight(x);
    sum.red += weight * of_column.red;
    sum.green += weight * of_column.green;
    sum.blue += weight * of_column.blue;
  }
  return sum;
}

}  // namespace visage::base
