#pragma once

#include "base/geometry.h"
#include "base/pixel.h"

namespace visage::align {

/// S. Umeyama, 1991, without reflection. @returns a translation if all points of `from` coincide.
base::Affine FitSimilarity(const base::FivePoints& from, const base::FivePoints& to);

}  // namespace visage::align
