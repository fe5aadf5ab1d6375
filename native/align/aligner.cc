#include "align/aligner.h"

#include <algorithm>
#include <cmath>

#include "align/similarity.h"
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

struct Colour {
  float red = 0;
  float green = 0;
  float blue = 0;
};

/// Adds the bilinear sample at (x, y), where pixel centres are whole numbers.
void AddSample(const ImageView& image, float x, float y, Colour& sum) {
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
      const float weight = row_weight * (dx ? right_part : 1 - right_part);
      const std::uint8_t* pixel = image.Row(row) + static_cast<std::ptrdiff_t>(column) * Image::kChannels;
      sum.red += weight * pixel[0];
      sum.green += weight * pixel[1];
      sum.blue += weight * pixel[2];
    }
  }
}

/// Fills a network's input with what lies at `back(x, y)` in the picture.
/// @param step pixels of the picture that one of the input covers.
template <typename Transform>
void Warp(const ImageView& image, const NetworkInput& input, bool mirrored, float step, const Transform& back,
          float* out) {
  // A bilinear sample covers two pixels; where the face is larger, a grid of samples is averaged.
  const int grid = std::clamp(static_cast<int>(std::ceil(step / 2)), 1, 16);
  const float part = 1 / static_cast<float>(grid);
  const float share = part * part;
  const PlaneWriter writer(input, out);
  // From the input to the picture, so that every pixel of the result is asked for once.
  for (int y = 0; y < input.height; ++y) {
    for (int x = 0; x < input.width; ++x) {
      Colour sum;
      for (int j = 0; j < grid; ++j) {
        for (int i = 0; i < grid; ++i) {
          const Point at = back({static_cast<float>(x) + (static_cast<float>(i) + 0.5f) * part,
                                 static_cast<float>(y) + (static_cast<float>(j) + 0.5f) * part});
          AddSample(image, at.x - 0.5f, at.y - 0.5f, sum);
        }
      }
      writer.Write(mirrored ? input.width - 1 - x : x, y, sum.red * share, sum.green * share,
                   sum.blue * share);
    }
  }
}

}  // namespace

void AlignArcFace(const ImageView& image, const FivePoints& points, const NetworkInput& input,
                  const FaceView& view, float* out) {
  const SimilarityTransform back = FitSimilarity(TemplatePoints(input, view.context), points);
  Warp(
      image, input, view.mirrored, std::hypot(back.a, back.b), [&](Point p) { return back.Apply(p); }, out);
}

void CropSquare(const ImageView& image, const Box& box, float scale, const NetworkInput& input,
                const FaceView& view, float* out) {
  const float side = std::max(box.width, box.height) * scale * view.context;
  const float left = box.x + (box.width - side) / 2, top = box.y + (box.height - side) / 2;
  const float step_x = side / static_cast<float>(input.width);
  const float step_y = side / static_cast<float>(input.height);
  const auto back = [&](Point p) { return Point{left + p.x * step_x, top + p.y * step_y}; };
  Warp(image, input, view.mirrored, std::max(step_x, step_y), back, out);
}

}  // namespace visage
