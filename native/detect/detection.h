#pragma once

#include <optional>

#include "base/geometry.h"

namespace visage::detect {

struct Detection {
  /// In pixels, inside the image.
  base::Box box;
  /// 0..1.
  float score = 0;
  /// Empty if the detector finds only boxes.
  std::optional<base::FivePoints> points;
  /// Clockwise quarter turns of the face, 0..3.
  int turn = 0;
  /// Probability of a face, 0..1; see `pipeline::SecondOpinion`.
  float certainty = 1;
};

}  // namespace visage::detect
