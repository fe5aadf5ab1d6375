#pragma once

#include "base/geometry.h"
#include "base/image.h"

namespace visage::base {

/// At least one pixel wide and high.
Box GrownAndCut(const Box& box, float scale, const ImageView& image);

/// Centred on the box where possible. Side: the box's longer side times `scale`, or the image's shorter side
/// if less.
Box SquareInside(const Box& box, float scale, const ImageView& image);

}  // namespace visage::base
