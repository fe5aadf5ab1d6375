#pragma once

#include <variant>

#include "base/geometry.h"
#include "base/pixel.h"

namespace visage::base {

/// Resizes a rectangle into the top left corner of a network input. The rest is 0, the mean.
struct Resized {
  /// In pixels of the image, clipped to it.
  Box source;
  Size content;
  bool mirrored = false;
};

/// Samples the image at `back(x, y)`. Pixels outside are black.
struct Warped {
  Affine back;
  /// Image pixels per input pixel.
  float step = 1;
  bool mirrored = false;
};

using Framing = std::variant<Resized, Warped>;

}  // namespace visage::base
