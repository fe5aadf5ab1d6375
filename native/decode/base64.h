#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace visage::decode {

constexpr std::size_t Base64Bound(std::size_t text_size) { return text_size / 4 * 3 + 3; }

/// RFC 4648, both alphabets.
///
/// Accepts missing padding, ASCII white space, a `data:<type>;base64,` prefix, and JSON escapes after it
/// (`\u002B` from .NET, `\/` from PHP).
///
/// @param out at least Base64Bound(text.size()) bytes.
/// @throws kInvalidImage
std::size_t DecodeBase64(std::string_view text, std::span<std::uint8_t> out);

}  // namespace visage::decode
