#pragma once

#include <cstdint>
#include <span>

namespace visage::decode {

/// ISO/IEC 15444-1, annex A.
struct CodestreamHeader {
  int width = 0;
  int height = 0;
  int components = 0;
  /// How often the size may be halved in all tiles and components.
  int halvings = 0;
};

/// Bounds size, tiles, precincts, code blocks and packets, which cost OpenJPEG memory and time before it
/// reads data. @throws kInvalidImage, kImageTooLarge, kUnsupportedImage.
CodestreamHeader ReadCodestreamHeader(std::span<const std::uint8_t> bytes);

}  // namespace visage::decode
