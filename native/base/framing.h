#pragma once

#include <variant>

#include "base/geometry.h"
#include "base/pixel.h"

namespace visage::base {

/// Resizes into the top left corner of a network input; the rest is 0, the mean.
struct Resized {
  /// Clipped to the image.
  Box source;
  Size content;
  bool mirrored = false;
  /// Clockwise quarter turns of a face in the source, 0..3; the content shows it upright.
  int turn = 0;
};

/// Pixels outside the image are black.
struct Warped {
  Affine back;
  /// Image pixels per input pixel.
  float step = 1;
  bool mirrored = false;
};

using Framing = std::variant<Resized, Warped>;

}  // namespace visage::base
