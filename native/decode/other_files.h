#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace visage::decode {

/// Recognises, by its first bytes, a file that is sent for an image but is none that Decode() reads.
/// @returns words such as "a PDF document" that end a sentence, or an empty text.
std::string_view NameOtherFile(std::span<const std::uint8_t> bytes);

}  // namespace visage::decode
