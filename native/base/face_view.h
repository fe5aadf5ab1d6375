#pragma once

namespace visage {

/// How an aligned face is shown to the embedder.
struct FaceView {
  /// How much of the picture is seen, in widths and heights of the plain view; about its centre.
  float context = 1;
  /// Whether left and right are changed.
  bool mirrored = false;
};

}  // namespace visage
