#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/network_input.h"

namespace visage::thumbnail {

/// Side of the crop over the longer side of the face's box. The margin lets a detector find the face again.
inline constexpr float kCropScale = 1.6f;

/// Input of `EncodeJpeg`: 224 x 224, RGB, 0..255.
base::NetworkInput CropInput();

/// Returns a JPEG file without metadata. Thread-safe. @param crop `CropInput().size()` values. @throws Error
/// kInternal if memory runs out.
std::vector<std::uint8_t> EncodeJpeg(std::span<const float> crop);

}  // namespace visage::thumbnail
