#pragma once

#include "base/geometry.h"
#include "base/pixel.h"

namespace visage {

/// The rotation, scale and shift without reflection that takes `from` to `to` with the least sum of squared
/// distances, in closed form: S. Umeyama, "Least-squares estimation of transformation parameters between two
/// point patterns", 1991, which in two dimensions needs no singular value decomposition.
/// @returns a pure shift with scale 1 where all points of `from` are the same.
Affine FitSimilarity(const FivePoints& from, const FivePoints& to);

}  // namespace visage
