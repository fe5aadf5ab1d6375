#pragma once

#include "base/image.h"

namespace visage {

/// Turns a picture upright.
///
/// @param orientation EXIF's number, 1..8 (EXIF 2.3 section 4.6.4): the side of the scene at which the stored
/// rows
///        and columns begin. 1 answers the picture itself; 5..8 swap width and height.
Image Orient(Image image, int orientation);

}  // namespace visage
