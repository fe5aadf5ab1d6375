#pragma once

#include <cstdint>
#include <span>

namespace visage {

/// The orientation (tag 0x0112 of IFD 0, EXIF 2.3 section 4.6.4) of an EXIF block, 1..8.
///
/// @param exif a TIFF structure, with or without the `Exif\0\0` in front that JPEG puts there; any bytes are
/// safe.
/// @returns 1, upright, for a block that has no orientation, a wrong one, or is broken: a picture is not
/// refused for
///          its metadata.
int ReadExifOrientation(std::span<const std::uint8_t> exif);

}  // namespace visage
