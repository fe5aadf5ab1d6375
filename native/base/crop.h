#pragma once

#include "base/geometry.h"
#include "base/image.h"

namespace visage {

/// The box grown by `scale` about its centre and cut to the picture; at least a pixel wide and high.
Box GrownAndCut(const Box& box, float scale, const ImageView& image);

/// The box grown by `scale` about its centre, or by as much as fits into the picture, and then shifted into
/// it: what comes out has the box's proportions and shows nothing but picture.
/// @param box at most as large as the picture.
Box GrownAndShifted(const Box& box, float scale, const ImageView& image);

}  // namespace visage
