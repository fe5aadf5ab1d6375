#pragma once

#include <span>

#include "base/network_input.h"

namespace visage {

/// What can be measured on the pixels of a face that is laid where ArcFace's points are, so that nothing
/// depends on how large the face is in its picture. Light is ITU-R BT.601 luma, 0..255.
struct FaceMeasures {
  /// Variance of the Laplacian (J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy",
  /// 2000) over that of the light, so that a picture of little contrast is not taken for a blurred one.
  float sharpness = 0;
  /// Mean light.
  float light = 0;
  /// Standard deviation of the light.
  float contrast = 0;
  /// Share of pixels, 0..1, with a light of at most 25 and of at least 247 (ISO/IEC 29794-5, exposure).
  float underexposed = 0;
  float overexposed = 0;
};

/// The input that a face is aligned into to be measured: 112 x 112, grey, 0..255.
NetworkInput MeasuredInput();

/// @param face `MeasuredInput().size()` values.
FaceMeasures Measure(std::span<const float> face);

}  // namespace visage
