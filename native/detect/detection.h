#pragma once

#include <optional>

#include "base/geometry.h"

namespace visage {

/// One face found.
struct Detection {
  /// In pixels of the picture that was looked at, inside it.
  Box box;
  /// 0..1.
  float score = 0;
  /// In pixels of the same picture; nothing where the detector finds boxes alone.
  std::optional<FivePoints> points;
};

}  // namespace visage
