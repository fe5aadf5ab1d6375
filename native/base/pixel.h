#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/geometry.h"
#include "base/image.h"

/// What one pixel of a network's input is made of: one source for the CPU's loops and CUDA's kernels. Marks
/// functions that are compiled for both.
#ifdef __CUDACC__
#define VISAGE_DEVICE __host__ __device__
#else
#define VISAGE_DEVICE
#endif

namespace visage {

/// 0..255 each, not rounded.
struct Colour {
  float red = 0;
  float green = 0;
  float blue = 0;
};

/// Where the pixels of a result lie in the picture that they are made of.
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

/// Adds the bilinear sample at (x, y), where pixel centres are whole numbers; black beyond the edge.
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

/// Samples a side of the grid that stands for a pixel of a warped result: a bilinear sample covers two pixels
/// of the picture, so where the step is larger more are averaged.
/// @param step pixels of the picture that one of the result covers.
VISAGE_DEVICE inline int WarpGrid(float step) {
  return std::clamp(static_cast<int>(std::ceil(step / 2)), 1, 16);
}

/// The pixel in column `x` of row `y` of a warped result.
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

/// The stretch of one axis of a picture that makes one pixel of a resized result: a triangle, as wide as two
/// steps where the picture shrinks and as two pixels where it grows.
struct Tap {
  int first;
  int last;
  float centre;
  float reach;
  float total = 0;

  /// @param start, length of the source; @param i the pixel of `target_size`.
  VISAGE_DEVICE Tap(float start, float length, int source_size, int target_size, int i) {
    const float step = length / static_cast<float>(target_size);
    reach = std::max(step, 1.0f);
    centre = start + (static_cast<float>(i) + 0.5f) * step;
    first = std::clamp(static_cast<int>(std::ceil(centre - reach - 0.5f)), 0, source_size - 1);
    last = std::clamp(static_cast<int>(std::floor(centre + reach - 0.5f)), first, source_size - 1);
    for (int s = first; s <= last; ++s) total += Height(s);
  }

  /// The weight of a source pixel; those of a tap sum to 1.
  VISAGE_DEVICE float Weight(int s) const { return Height(s) / total; }

 private:
  VISAGE_DEVICE float Height(int s) const {
    return std::max(1.0f - std::abs(static_cast<float>(s) + 0.5f - centre) / reach, 1e-6f);
  }
};

/// The pixel of a resized result that two taps make.
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

}  // namespace visage
