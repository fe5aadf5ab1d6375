#include "detect/nms.h"

#include <algorithm>

namespace visage {
namespace {

float IntersectionOverUnion(const Box& a, const Box& b) {
  const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const float both = width * height;
  return both / (a.Area() + b.Area() - both);
}

}  // namespace

std::vector<Detection> Suppress(std::vector<Detection> candidates, float iou) {
  std::ranges::stable_sort(candidates, std::ranges::greater{}, &Detection::score);
  std::vector<Detection> kept;
  for (const Detection& candidate : candidates) {
    const bool seen = std::ranges::any_of(
        kept, [&](const Detection& other) { return IntersectionOverUnion(candidate.box, other.box) > iou; });
    if (!seen) kept.push_back(candidate);
  }
  std::ranges::stable_sort(kept, std::ranges::greater{},
                           [](const Detection& face) { return face.box.Area(); });
  return kept;
}

}  // namespace visage
