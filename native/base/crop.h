#pragma once

#include "base/geometry.h"
#include "base/image.h"

namespace visage {

/// The box grown by `scale` about its centre and cut to the picture; at least a pixel wide and high.
Box GrownAndCut(const Box& box, float scale, const ImageView& image);

/// A square about the box's centre, its side the box's longer one grown by `scale` or by as much as fits into
/// the picture, shifted into it: it shows nothing but picture, and nothing of it is stretched.
Box SquareInside(const Box& box, float scale, const ImageView& image);

}  // namespace visage
