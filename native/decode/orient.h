#pragma once

#include "base/image.h"

namespace visage::decode {

/// @param orientation 1..8; 5..8 swap width and height.
base::Image Orient(base::Image image, int orientation);

}  // namespace visage::decode
