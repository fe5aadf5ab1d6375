#pragma once

namespace visage::base {

struct FaceView {
  /// Side of the crop, relative to the standard crop.
  float context = 1;
  bool mirrored = false;
};

}  // namespace visage::base
