#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace visage::decode {

enum class ByteOrder { kLittle, kBig };

/// Returns `nullopt` past the end.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes, ByteOrder order) : bytes_(bytes), order_(order) {}

  std::optional<std::uint8_t> U8(std::size_t offset) const {
    if (!Holds(offset, 1)) return std::nullopt;
    return bytes_[offset];
  }

  std::optional<std::uint16_t> U16(std::size_t offset) const {
    if (!Holds(offset, 2)) return std::nullopt;
    return static_cast<std::uint16_t>(Number(offset, 2));
  }

  std::optional<std::uint32_t> U32(std::size_t offset) const {
    if (!Holds(offset, 4)) return std::nullopt;
    return Number(offset, 4);
  }

  bool Holds(std::size_t offset, std::size_t count) const {
    return offset <= bytes_.size() && count <= bytes_.size() - offset;
  }

 private:
  std::uint32_t Number(std::size_t offset, int count) const {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const int at = order_ == ByteOrder::kBig ? i : count - 1 - i;
      value = value << 8 | bytes_[offset + at];
    }
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  ByteOrder order_;
};

}  // namespace visage::decode
