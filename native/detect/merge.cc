#include "detect/merge.h"

#include <algorithm>

namespace visage::detect {
namespace {

/// A box with this share inside a larger box is a part of its face.
constexpr float kPart = 0.75f;

float CommonArea(const base::Box& a, const base::Box& b) {
  const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  return width <= 0 || height <= 0 ? 0 : width * height;
}

}  // namespace

float IntersectionOverUnion(const base::Box& a, const base::Box& b) {
  const float common = CommonArea(a, b);
  return common > 0 ? common / (a.Area() + b.Area() - common) : 0;
}

std::vector<Detection> Merge(std::vector<Detection> candidates, float iou) {
  std::ranges::stable_sort(candidates, std::ranges::greater{}, &Detection::score);
  std::vector<Detection> kept;
  for (const Detection& candidate : candidates) {
    const float area = candidate.box.Area();
    const bool seen = std::ranges::any_of(kept, [&](const Detection& other) {
      return IntersectionOverUnion(candidate.box, other.box) > iou ||
             (area < other.box.Area() && CommonArea(candidate.box, other.box) > kPart * area);
    });
    if (!seen) kept.push_back(candidate);
  }
  std::ranges::stable_sort(kept, std::ranges::greater{},
                           [](const Detection& face) { return face.box.Area(); });
  return kept;
}

void AddOthers(const std::vector<Detection>& more, std::vector<Detection>& faces) {
  constexpr float kSame = 0.3f;
  for (const Detection& face : more) {
    const auto same = std::ranges::find_if(
        faces, [&](const Detection& other) { return IntersectionOverUnion(face.box, other.box) > kSame; });
    if (same == faces.end()) {
      faces.push_back(face);
    } else if (face.certainty > same->certainty) {
      *same = face;
    }
  }
}

}  // namespace visage::detect
