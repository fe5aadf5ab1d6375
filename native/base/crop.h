#pragma once

#include "base/geometry.h"
#include "base/image.h"

namespace visage::base {

/// At least one pixel wide and high.
Box GrownAndCut(const Box& box, float scale, const ImageView& image);

enum class CropShape { kBox, kSquare };

/// Centred on the box; may reach beyond the image.
Box Grown(const Box& box, CropShape shape, float scale);

/// Shrinks a crop to fit, in proportion, then moves it into the image.
Box MovedInside(const Box& crop, const ImageView& image);

}  // namespace visage::base
