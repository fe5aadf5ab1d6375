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

constexpr float kVoting = 0.5f;

/// "Box voting": S. Gidaris, N. Komodakis, ICCV 2015.
Detection Averaged(const Detection& best, const std::vector<Detection>& candidates) {
  Detection mean = best;
  mean.box = {0, 0, 0, 0};
  if (mean.points) mean.points->fill({0, 0});
  float sum = 0;
  for (const Detection& candidate : candidates) {
    if (candidate.turn != best.turn || candidate.score < kVoting * best.score ||
        IntersectionOverUnion(candidate.box, best.box) < kVoting)
      continue;
    const float weight = candidate.score;
    sum += weight;
    mean.box.x += weight * candidate.box.x;
    mean.box.y += weight * candidate.box.y;
    mean.box.width += weight * candidate.box.width;
    mean.box.height += weight * candidate.box.height;
    if (!mean.points) continue;
    for (std::size_t p = 0; p < mean.points->size(); ++p) {
      (*mean.points)[p].x += weight * (*candidate.points)[p].x;
      (*mean.points)[p].y += weight * (*candidate.points)[p].y;
    }
  }
  mean.box = {mean.box.x / sum, mean.box.y / sum, mean.box.width / sum, mean.box.height / sum};
  if (mean.points) {
    for (base::Point& point : *mean.points) point = {point.x / sum, point.y / sum};
  }
  return mean;
}

}  // namespace

float IntersectionOverUnion(const base::Box& a, const base::Box& b) {
  const float common = CommonArea(a, b);
  return common > 0 ? common / (a.Area() + b.Area() - common) : 0;
}

std::vector<Detection> Merge(std::vector<Detection> candidates, float iou, bool average) {
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
  if (average) {
    for (Detection& face : kept) face = Averaged(face, candidates);
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
