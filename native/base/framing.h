#pragma once

#include <variant>

#include "base/geometry.h"
#include "base/pixel.h"

namespace visage {

/// A rectangle of a picture, resized into the top left corner of a network's input; the rest of the input is
/// the value that stands for its mean, which is 0.
struct Resized {
  /// In pixels of the picture, cut to it; must touch it.
  Box source;
  /// At most the input's.
  Size content;
  /// Whether left and right of the whole input are changed.
  bool mirrored = false;
};

/// What lies at `back(x, y)` in the picture; beyond its edge pixels count as black.
struct Warped {
  Affine back;
  /// Pixels of the picture that one of the input covers.
  float step = 1;
  /// Whether left and right of the input are changed.
  bool mirrored = false;
};

/// What a network's input shows of a picture.
using Framing = std::variant<Resized, Warped>;

}  // namespace visage
