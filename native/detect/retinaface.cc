#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "detect/decoder.h"

namespace visage::detect {
namespace {

constexpr float kCentreVariance = 0.1f;
constexpr float kSizeVariance = 0.2f;

struct Level {
  int stride;
  std::array<float, 2> sides;
};
constexpr std::array<Level, 3> kLevels = {{{8, {16, 32}}, {16, {64, 128}}, {32, {256, 512}}}};

const runtime::InferenceSession::Output& WithColumns(
    std::span<const runtime::InferenceSession::Output> outputs, std::int64_t columns) {
  const auto found = std::ranges::find_if(outputs, [&](const runtime::InferenceSession::Output& output) {
    return !output.shape.empty() && output.shape.back() == columns;
  });
  if (found == outputs.end() || outputs.size() != 3) {
    throw base::Error(base::ErrorCode::kInternal,
                      "RetinaFace has three outputs, of 4, 2 and 10 values a prior");
  }
  return *found;
}

}  // namespace

std::vector<Detection> ReadRetinaFace(std::span<const runtime::InferenceSession::Output> outputs,
                                      base::Size size, float least_score) {
  const auto cells = [](int pixels, int stride) { return (pixels + stride - 1) / stride; };
  std::size_t count = 0;
  for (const Level& level : kLevels) {
    count += level.sides.size() * cells(size.width, level.stride) * cells(size.height, level.stride);
  }
  const std::span<const float> locations = Table(WithColumns(outputs, 4), count, 4);
  const std::span<const float> scores = Table(WithColumns(outputs, 2), count, 2);
  const std::span<const float> points = Table(WithColumns(outputs, 10), count, 10);

  std::vector<Detection> found;
  std::size_t i = 0;
  for (const auto& [stride, sides] : kLevels) {
    const int columns = cells(size.width, stride), rows = cells(size.height, stride);
    for (int cell = 0; cell < columns * rows; ++cell) {
      const int column = cell % columns, row = cell / columns;
      const float x = (static_cast<float>(column) + 0.5f) * static_cast<float>(stride);
      const float y = (static_cast<float>(row) + 0.5f) * static_cast<float>(stride);
      for (const float side : sides) {
        const std::size_t prior = i++;
        const float score = scores[2 * prior + 1];
        if (!(score >= least_score)) continue;
        const float shift = kCentreVariance * side;
        const float* location = &locations[4 * prior];
        const float width = side * std::exp(kSizeVariance * location[2]);
        const float height = side * std::exp(kSizeVariance * location[3]);
        Detection face{
            {x + shift * location[0] - width / 2, y + shift * location[1] - height / 2, width, height},
            score,
            base::FivePoints{}};
        for (std::size_t p = 0; p < face.points->size(); ++p) {
          (*face.points)[p] = {x + shift * points[10 * prior + 2 * p],
                               y + shift * points[10 * prior + 2 * p + 1]};
        }
        found.push_back(face);
      }
    }
  }
  return found;
}

}  // namespace visage::detect
