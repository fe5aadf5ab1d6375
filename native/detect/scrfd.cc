#include <array>

#include "base/error.h"
#include "detect/decoder.h"

namespace visage::detect {

std::vector<Detection> ReadScrfd(std::span<const runtime::InferenceSession::Output> outputs, base::Size size,
                                 float least_score) {
  constexpr std::array kStrides = {8, 16, 32};
  constexpr std::size_t kLevels = kStrides.size();
  constexpr std::size_t kPriors = 2;
  const bool has_points = outputs.size() == 3 * kLevels;
  if (!has_points && outputs.size() != 2 * kLevels) {
    throw base::Error(base::ErrorCode::kInternal, "SCRFD has six outputs, or nine with points");
  }
  std::vector<Detection> found;
  for (std::size_t level = 0; level < kLevels; ++level) {
    const int columns = size.width / kStrides[level], rows = size.height / kStrides[level];
    const std::size_t count = kPriors * columns * rows;
    const float cell = static_cast<float>(kStrides[level]);
    const std::span<const float> scores = Table(outputs[level], count, 1);
    const std::span<const float> distances = Table(outputs[kLevels + level], count, 4);
    const std::span<const float> points =
        has_points ? Table(outputs[2 * kLevels + level], count, 10) : std::span<const float>();
    for (std::size_t i = 0; i < count; ++i) {
      if (!(scores[i] >= least_score)) continue;
      const std::size_t place = i / kPriors, column = place % columns, row = place / columns;
      const float x = static_cast<float>(column) * cell, y = static_cast<float>(row) * cell;
      const float* to = &distances[4 * i];
      Detection face{{x - to[0] * cell, y - to[1] * cell, (to[0] + to[2]) * cell, (to[1] + to[3]) * cell},
                     scores[i],
                     std::nullopt};
      if (has_points) {
        face.points.emplace();
        for (std::size_t p = 0; p < face.points->size(); ++p) {
          (*face.points)[p] = {x + points[10 * i + 2 * p] * cell, y + points[10 * i + 2 * p + 1] * cell};
        }
      }
      found.push_back(face);
    }
  }
  return found;
}

}  // namespace visage::detect
