#pragma once

#include "base/geometry.h"

namespace visage {

/// Rotation, scale and shift: `x' = a x - b y + shift_x`, `y' = b x + a y + shift_y`.
struct SimilarityTransform {
  float a = 1;
  float b = 0;
  float shift_x = 0;
  float shift_y = 0;

  Point Apply(Point p) const { return {a * p.x - b * p.y + shift_x, b * p.x + a * p.y + shift_y}; }
};

/// The transform without reflection that takes `from` to `to` with the least sum of squared distances, in
/// closed form: S. Umeyama, "Least-squares estimation of transformation parameters between two point
/// patterns", 1991, which in two dimensions needs no singular value decomposition.
/// @returns a pure shift with scale 1 where all points of `from` are the same.
SimilarityTransform FitSimilarity(const FivePoints& from, const FivePoints& to);

}  // namespace visage
