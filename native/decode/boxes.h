#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace visage::decode {

constexpr std::uint32_t FourCharacters(std::string_view name) {
  std::uint32_t code = 0;
  for (const char c : name) code = code << 8 | static_cast<std::uint8_t>(c);
  return code;
}

/// Reads big-endian numbers in order. @throws kInvalidImage past the end.
class Cursor {
 public:
  /// @param format names the file in errors.
  Cursor(std::span<const std::uint8_t> bytes, const char* format) : rest_(bytes), format_(format) {}

  std::uint8_t U8() { return static_cast<std::uint8_t>(Number(1)); }
  std::uint16_t U16() { return static_cast<std::uint16_t>(Number(2)); }
  std::uint32_t U32() { return static_cast<std::uint32_t>(Number(4)); }
  /// @param size 0..8 bytes.
  std::uint64_t Number(std::size_t size);
  std::span<const std::uint8_t> Take(std::size_t size);
  std::span<const std::uint8_t> rest() const { return rest_; }

 private:
  std::span<const std::uint8_t> rest_;
  const char* format_;
};

/// A box of ISO/IEC 14496-12, 4.2, or of JP2 (ISO/IEC 15444-1, I.4).
struct Box {
  std::uint32_t type = 0;
  /// Cut off at the parent's end.
  std::span<const std::uint8_t> content;
};

class BoxReader {
 public:
  explicit BoxReader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  /// `nullopt` at the end and for a broken head.
  std::optional<Box> Next();

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace visage::decode
