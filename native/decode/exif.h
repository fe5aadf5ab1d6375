#pragma once

#include <cstdint>
#include <span>

namespace visage::decode {

/// EXIF 2.3 section 4.6.4; 1 if missing or invalid. @param exif a TIFF structure, with or without `Exif\0\0`.
int ReadExifOrientation(std::span<const std::uint8_t> exif);

}  // namespace visage::decode
