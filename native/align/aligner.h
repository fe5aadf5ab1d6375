#pragma once

#include "base/face_view.h"
#include "base/geometry.h"
#include "base/image.h"
#include "base/network_input.h"
#include "base/pixel.h"

namespace visage {

/// Turns, scales and shifts a face so that its five points come to lie on ArcFace's (J. Deng et al.,
/// "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", 2019; a 112 x 112 picture), straight
/// into a network's input. Beyond the picture's edge its pixels count as black.
/// @param points the face's, in pixels of `image`.
/// @param input the embedder's; ArcFace's points are scaled to its size.
/// @param view about the middle of the input.
/// @param out `input.size()` floats.
/// Thread-safe.
void AlignArcFace(const ImageView& image, const FivePoints& points, const NetworkInput& input,
                  const FaceView& view, float* out);

/// Where the pixels that `AlignArcFace` fills lie in the picture, before they are mirrored.
Affine ArcFaceInPicture(const FivePoints& points, const NetworkInput& input, const FaceView& view);

/// Lays a square about a box's middle, its side `scale` times the box's longer side, straight into a
/// network's input; stretched where the input is no square. For networks that were trained on crops that are
/// not aligned. Otherwise as `AlignArcFace`.
void CropSquare(const ImageView& image, const Box& box, float scale, const NetworkInput& input,
                const FaceView& view, float* out);

}  // namespace visage
