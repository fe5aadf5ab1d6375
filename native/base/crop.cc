#include "base/crop.h"

#include <algorithm>

namespace visage::base {

Box GrownAndCut(const Box& box, float scale, const ImageView& image) {
  const float picture_width = static_cast<float>(image.width);
  const float picture_height = static_cast<float>(image.height);
  const float grown_x = box.width * (scale - 1) / 2;
  const float grown_y = box.height * (scale - 1) / 2;
  const float left = std::clamp(box.x - grown_x, 0.0f, picture_width - 1);
  const float top = std::clamp(box.y - grown_y, 0.0f, picture_height - 1);
  const float right = std::clamp(box.x + box.width + grown_x, left + 1, picture_width);
  const float bottom = std::clamp(box.y + box.height + grown_y, top + 1, picture_height);
  return {left, top, right - left, bottom - top};
}

Box Grown(const Box& box, CropShape shape, float scale) {
  const float longer = std::max(box.width, box.height);
  const float width = scale * (shape == CropShape::kSquare ? longer : box.width);
  const float height = scale * (shape == CropShape::kSquare ? longer : box.height);
  return {box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height};
}

Box MovedInside(const Box& crop, const ImageView& image) {
  const float picture_width = static_cast<float>(image.width);
  const float picture_height = static_cast<float>(image.height);
  const float fit = std::min({1.0f, picture_width / crop.width, picture_height / crop.height});
  const float width = std::min(crop.width * fit, picture_width);
  const float height = std::min(crop.height * fit, picture_height);
  const float left = crop.x + (crop.width - width) / 2;
  const float top = crop.y + (crop.height - height) / 2;
  return {std::clamp(left, 0.0f, picture_width - width), std::clamp(top, 0.0f, picture_height - height),
          width, height};
}

}  // namespace visage::base
