#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "decode/colour.h"

namespace visage::decode {

/// The ICC profile in a JPEG file's APP2 segments (ICC.1:2022, annex B.4); empty if missing or incomplete.
std::vector<std::uint8_t> FindJpegProfile(std::span<const std::uint8_t> bytes);

/// The colour space that a PNG file's cICP or iCCP chunk states.
ColourSpace FindPngColour(std::span<const std::uint8_t> bytes);

}  // namespace visage::decode
