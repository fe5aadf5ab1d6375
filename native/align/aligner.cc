#include "align/aligner.h"

#include <algorithm>
#include <cmath>

#include "align/similarity.h"
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

/// Fills a network's input with what lies at `back(x, y)` in the picture.
/// @param step pixels of the picture that one of the input covers.
void Warp(const ImageView& image, const NetworkInput& input, bool mirrored, float step, const Affine& back,
          float* out) {
  const int grid = WarpGrid(step);
  const PlaneWriter writer(input, out);
  // From the input to the picture, so that every pixel of the result is asked for once.
  for (int y = 0; y < input.height; ++y) {
    for (int x = 0; x < input.width; ++x) {
      writer.Write(mirrored ? input.width - 1 - x : x, y, WarpedPixel(image, back, grid, x, y));
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
