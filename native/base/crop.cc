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

Box SquareInside(const Box& box, float scale, const ImageView& image) {
  const float picture_width = static_cast<float>(image.width);
  const float picture_height = static_cast<float>(image.height);
  const float side = std::min({std::max(box.width, box.height) * scale, picture_width, picture_height});
  const float left = box.x + (box.width - side) / 2;
  const float top = box.y + (box.height - side) / 2;
  return {std::clamp(left, 0.0f, picture_width - side), std::clamp(top, 0.0f, picture_height - side), side,
          side};
}

}  // namespace visage::base
