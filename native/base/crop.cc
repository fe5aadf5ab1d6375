#include "base/crop.h"

#include <algorithm>

namespace visage {

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

Box GrownAndShifted(const Box& box, float scale, const ImageView& image) {
  const float picture_width = static_cast<float>(image.width);
  const float picture_height = static_cast<float>(image.height);
  const float fitting = std::min({scale, picture_width / box.width, picture_height / box.height});
  const float width = box.width * fitting;
  const float height = box.height * fitting;
  const float left = box.x - (width - box.width) / 2;
  const float top = box.y - (height - box.height) / 2;
  return {std::max(std::min(left, picture_width - width), 0.0f),
          std::max(std::min(top, picture_height - height), 0.0f), width, height};
}

}  // namespace visage
