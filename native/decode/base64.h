#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace visage {

/// The most bytes that DecodeBase64() writes for a text of `text_size` characters.
constexpr std::size_t Base64Bound(std::size_t text_size) { return text_size / 4 * 3 + 3; }

/// Decodes base64 (RFC 4648) into a caller's buffer.
///
/// The standard and the URL-safe alphabet may be mixed, padding may be left out, a `data:<type>;base64,`
/// prefix and ASCII white space anywhere are passed over, and so is a backslash right before a slash, as JSON
/// may write it.
///
/// @param text borrowed for the call; need not end with a zero.
/// @param out at least Base64Bound(text.size()) bytes; what lies behind the answered count is undefined. It
/// may not
///        overlap `text`.
/// @returns bytes written.
/// @throws Error kInvalidImage for anything else: another character, wrong padding, a lone last character.
/// Thread-safe.
std::size_t DecodeBase64(std::string_view text, std::span<std::uint8_t> out);

}  // namespace visage
