#pragma once

#include <bitset>
#include <cstdint>
#include <span>

#include "decode/decode.h"

namespace visage::decode {

/// Encoders write about ten. A scan costs half a nanosecond per pixel even if nearly empty.
constexpr int kMaxJpegScans = 100;
constexpr std::int64_t kMaxScannedPixels = 16 * ImageLimits::kMaxPixels;

struct JpegScans {
  int count = 0;
  std::bitset<256> components;
};

/// Reads only markers, up to the image's end.
JpegScans FindJpegScans(std::span<const std::uint8_t> bytes);

}  // namespace visage::decode
