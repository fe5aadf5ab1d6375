#pragma once

#include "base/face_view.h"
#include "base/framing.h"
#include "base/geometry.h"
#include "base/network_input.h"

namespace visage::align {

/// J. Deng et al., "ArcFace", CVPR 2019. Thread-safe. @param points in pixels of the image.
base::Warped AlignArcFace(const base::FivePoints& points, const base::NetworkInput& input,
                          const base::FaceView& view);

/// For networks trained on unaligned crops.
/// @param turn clockwise quarter turns of the face, 0..3; the crop is upright.
base::Warped CropSquare(const base::Box& box, int turn, float scale, const base::NetworkInput& input,
                        const base::FaceView& view);

}  // namespace visage::align
