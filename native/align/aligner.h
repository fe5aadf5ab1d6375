#pragma once

#include "base/face_view.h"
#include "base/framing.h"
#include "base/geometry.h"
#include "base/network_input.h"

namespace visage {

/// Turns, scales and shifts a face so that its five points come to lie on ArcFace's (J. Deng et al.,
/// "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", 2019; a 112 x 112 picture). Beyond the
/// picture's edge its pixels count as black.
/// @param points the face's, in pixels of the picture.
/// @param input the embedder's; ArcFace's points are scaled to its size.
/// @param view about the middle of the input.
/// @returns what a network's input is to show. Thread-safe.
Warped AlignArcFace(const FivePoints& points, const NetworkInput& input, const FaceView& view);

/// Lays a square about a box's middle, its side `scale` times the box's longer side, into a network's input;
/// stretched where the input is no square. For networks that were trained on crops that are not aligned.
/// Otherwise as `AlignArcFace`.
Warped CropSquare(const Box& box, float scale, const NetworkInput& input, const FaceView& view);

}  // namespace visage
