#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "decode/colour.h"

namespace visage::decode {

/// From APP2 segments (ICC.1:2022, annex B.4); empty if missing or incomplete.
std::vector<std::uint8_t> FindJpegProfile(std::span<const std::uint8_t> bytes);

/// From a cICP or iCCP chunk.
ColourSpace FindPngColour(std::span<const std::uint8_t> bytes);

}  // namespace visage::decode
