#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace visage::decode {

/// Names a file that Decode() does not read, by its first bytes. @returns the end of a sentence, such as "a
/// PDF document"; empty if unknown.
std::string_view NameOtherFile(std::span<const std::uint8_t> bytes);

}  // namespace visage::decode
