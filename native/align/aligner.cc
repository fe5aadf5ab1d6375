#include "align/aligner.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "align/similarity.h"
#include "base/lanes.h"
#include "base/pixel.h"
#include "base/planes.h"

namespace visage {
namespace {

constexpr float kTemplateSide = 112;

/// Published for pixels whose centres are whole numbers; half a pixel is added below.
constexpr FivePoints kArcFace = {{{38.2946f, 51.6963f},
                                  {73.5318f, 51.5014f},
                                  {56.0252f, 71.7366f},
                                  {41.5493f, 92.3655f},
                                  {70.7299f, 92.2041f}}};

/// Where the points come to lie in a view that is not mirrored.
FivePoints TemplatePoints(const NetworkInput& input, float context) {
  constexpr float kMiddle = kTemplateSide / 2;
  FivePoints points = kArcFace;
  for (Point& p : points) {
    p = {(kMiddle + (p.x + 0.5f - kMiddle) / context) * static_cast<float>(input.width) / kTemplateSide,
         (kMiddle + (p.y + 0.5f - kMiddle) / context) * static_cast<float>(input.height) / kTemplateSide};
  }
  return points;
}

/// The colours of pixels beside each other, as many as are worked on at once.
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

/// `AddSample` for each of them.
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
      // What is beyond the edge adds nothing of the first pixel.
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

/// `WarpedPixel` for each of them, from column `x` on.
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

/// Fills a network's input with what lies at `back(x, y)` in the picture.
/// @param step pixels of the picture that one of the input covers.
void Warp(const ImageView& image, const NetworkInput& input, bool mirrored, float step, const Affine& back,
          float* out) {
  const int grid = WarpGrid(step);
  const PlaneWriter writer(input, out);
  // From the input to the picture, so that every pixel of the result is asked for once.
  for (int y = 0; y < input.height; ++y) {
    for (int left = 0; left < input.width; left += Colours::kCount) {
      const Colours colours = WarpedPixels(image, back, grid, left, y);
      for (int i = 0; i < std::min(Colours::kCount, input.width - left); ++i) {
        const int x = mirrored ? input.width - 1 - left - i : left + i;
        writer.Write(x, y, {colours.red[i], colours.green[i], colours.blue[i]});
      }
    }
  }
}

}  // namespace

Affine ArcFaceInPicture(const FivePoints& points, const NetworkInput& input, const FaceView& view) {
  return FitSimilarity(TemplatePoints(input, view.context), points);
}

void AlignArcFace(const ImageView& image, const FivePoints& points, const NetworkInput& input,
                  const FaceView& view, float* out) {
  const Affine back = ArcFaceInPicture(points, input, view);
  Warp(image, input, view.mirrored, std::hypot(back.xx, back.yx), back, out);
}

void CropSquare(const ImageView& image, const Box& box, float scale, const NetworkInput& input,
                const FaceView& view, float* out) {
  const float side = std::max(box.width, box.height) * scale * view.context;
  const float left = box.x + (box.width - side) / 2, top = box.y + (box.height - side) / 2;
  const float step_x = side / static_cast<float>(input.width);
  const float step_y = side / static_cast<float>(input.height);
  const Affine back{step_x, 0, 0, step_y, left, top};
  Warp(image, input, view.mirrored, std::max(step_x, step_y), back, out);
}

}  // namespace visage
