#pragma once

namespace visage::base {

/// A crop of an aligned face for the embedder.
struct FaceView {
  /// Side of the crop, relative to the standard crop.
  float context = 1;
  bool mirrored = false;
};

}  // namespace visage::base
