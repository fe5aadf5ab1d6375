#include <array>
#include <cmath>

#include "base/error.h"
#include "detect/decoder.h"

namespace visage::detect {

std::vector<Detection> ReadYunet(std::span<const runtime::InferenceSession::Output> outputs, base::Size size,
                                 float least_score) {
  constexpr std::array kStrides = {8, 16, 32};
  constexpr std::size_t kLevels = kStrides.size();
  if (outputs.size() != 4 * kLevels)
    throw base::Error(base::ErrorCode::kInternal, "YuNet has twelve outputs");
  std::vector<Detection> found;
  for (std::size_t level = 0; level < kLevels; ++level) {
    const int columns = size.width / kStrides[level], rows = size.height / kStrides[level];
    const std::size_t count = static_cast<std::size_t>(columns) * rows;
    const float cell = static_cast<float>(kStrides[level]);
    const std::span<const float> classes = Table(outputs[level], count, 1);
    const std::span<const float> objects = Table(outputs[kLevels + level], count, 1);
    const std::span<const float> boxes = Table(outputs[2 * kLevels + level], count, 4);
    const std::span<const float> points = Table(outputs[3 * kLevels + level], count, 10);
    for (std::size_t i = 0; i < count; ++i) {
      const float score = std::sqrt(classes[i] * objects[i]);
      if (!(score >= least_score)) continue;
      const std::size_t at_column = i % columns, at_row = i / columns;
      const float column = static_cast<float>(at_column), row = static_cast<float>(at_row);
      const float* box = &boxes[4 * i];
      const float width = std::exp(box[2]) * cell, height = std::exp(box[3]) * cell;
      const float centre_x = (column + box[0]) * cell, centre_y = (row + box[1]) * cell;
      Detection face{{centre_x - width / 2, centre_y - height / 2, width, height}, score, base::FivePoints{}};
      for (std::size_t p = 0; p < face.points->size(); ++p) {
        (*face.points)[p] = {(column + points[10 * i + 2 * p]) * cell,
                             (row + points[10 * i + 2 * p + 1]) * cell};
      }
      found.push_back(face);
    }
  }
  return found;
}

}  // namespace visage::detect
