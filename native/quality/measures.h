#pragma once

#include <span>

#include "base/network_input.h"

namespace visage::quality {

/// Light is ITU-R BT.601 luma, 0..255.
struct FaceMeasures {
  /// Variance of the Laplacian (J. L. Pech-Pacheco et al., 2000) over the variance of light, so low contrast
  /// is not blur.
  float sharpness = 0;
  float light = 0;
  float contrast = 0;
  /// Shares of pixels at most 25, and at least 247 (ISO/IEC 29794-5).
  float underexposed = 0;
  float overexposed = 0;
};

/// Input of `Measure`: 112 x 112, grey, 0..255.
base::NetworkInput MeasuredInput();

FaceMeasures Measure(std::span<const float> face);

}  // namespace visage::quality
