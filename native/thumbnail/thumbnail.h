#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/network_input.h"

namespace visage::thumbnail {

/// Side over the box's longer side. The margin lets a detector find the face again.
inline constexpr float kCropScale = 1.6f;

/// 224 x 224, RGB, 0..255.
base::NetworkInput CropInput();

/// A JPEG without metadata. Thread-safe. @param crop `CropInput().size()` values. @throws kInternal.
std::vector<std::uint8_t> EncodeJpeg(std::span<const float> crop);

}  // namespace visage::thumbnail
