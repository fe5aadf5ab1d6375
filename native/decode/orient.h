#pragma once

#include "base/image.h"

namespace visage::decode {

/// @param orientation EXIF value, 1..8; 5..8 swap width and height.
base::Image Orient(base::Image image, int orientation);

}  // namespace visage::decode
