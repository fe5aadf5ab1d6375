#pragma once

namespace visage::base {

struct FaceView {
  /// Side, relative to the standard crop's.
  float context = 1;
  bool mirrored = false;
};

}  // namespace visage::base
