#pragma once

#include "base/framing.h"
#include "base/image.h"
#include "base/network_input.h"

namespace visage::base {

/// Thread-safe. @param out `input.size()` floats.
void Warp(const ImageView& image, const Warped& framing, const NetworkInput& input, float* out);

}  // namespace visage::base
