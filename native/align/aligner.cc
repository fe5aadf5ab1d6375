#include "align/aligner.h"

#include <algorithm>
#include <cmath>

#include "align/similarity.h"

namespace visage::align {
namespace {

constexpr float kTemplateSide = 112;

/// The published values assume pixel centres at whole numbers.
constexpr base::FivePoints kArcFace = {{{38.2946f, 51.6963f},
                                        {73.5318f, 51.5014f},
                                        {56.0252f, 71.7366f},
                                        {41.5493f, 92.3655f},
                                        {70.7299f, 92.2041f}}};

base::FivePoints TemplatePoints(const base::NetworkInput& input, float context) {
  constexpr float kMiddle = kTemplateSide / 2;
  base::FivePoints points = kArcFace;
  for (base::Point& p : points) {
    p = {(kMiddle + (p.x + 0.5f - kMiddle) / context) * static_cast<float>(input.width) / kTemplateSide,
         (kMiddle + (p.y + 0.5f - kMiddle) / context) * static_cast<float>(input.height) / kTemplateSide};
  }
  return points;
}

}  // namespace

base::Warped AlignArcFace(const base::FivePoints& points, const base::NetworkInput& input,
                          const base::FaceView& view) {
  const base::Affine back = FitSimilarity(TemplatePoints(input, view.context), points);
  return {.back = back, .step = std::hypot(back.xx, back.yx), .mirrored = view.mirrored};
}

base::Warped CropSquare(const base::Box& box, int turn, float scale, const base::NetworkInput& input,
                        const base::FaceView& view) {
  const float side = std::max(box.width, box.height) * scale * view.context;
  const float left = box.x + (box.width - side) / 2, top = box.y + (box.height - side) / 2;
  const float step_x = side / static_cast<float>(input.width);
  const float step_y = side / static_cast<float>(input.height);
  const auto place = [&](const base::Point& p) { return base::Turned(p, turn, base::Point{side, side}); };
  const base::Point corner = place({0, 0}), right = place({step_x, 0}), below = place({0, step_y});
  return {.back = {right.x - corner.x, below.x - corner.x, right.y - corner.y, below.y - corner.y,
                   left + corner.x, top + corner.y},
          .step = std::max(step_x, step_y),
          .mirrored = view.mirrored};
}

}  // namespace visage::align
