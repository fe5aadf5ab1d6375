#include "decode/boxes.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace visage::decode {

std::uint64_t Cursor::Number(std::size_t size) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : Take(size)) value = value << 8 | byte;
  return value;
}

std::span<const std::uint8_t> Cursor::Take(std::size_t size) {
  if (size > rest_.size()) {
    throw base::Error(base::ErrorCode::kInvalidImage,
                      "The " + std::string(format_) + " file is cut short or broken.");
  }
  const auto taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

std::optional<Box> BoxReader::Next() {
  constexpr std::size_t kShortHead = 8, kLongHead = 16;
  if (rest_.size() < kShortHead) return std::nullopt;
  Cursor cursor(rest_, "");
  std::uint64_t size = cursor.U32();
  const std::uint32_t type = cursor.U32();
  std::size_t head = kShortHead;
  if (size == 1) {
    if (rest_.size() < kLongHead) return std::nullopt;
    size = cursor.Number(8);
    head = kLongHead;
  } else if (size == 0) {
    size = rest_.size();
  }
  if (size < head) return std::nullopt;
  const auto whole = rest_.first(static_cast<std::size_t>(std::min<std::uint64_t>(size, rest_.size())));
  rest_ = rest_.subspan(whole.size());
  return Box{type, whole.subspan(head)};
}

}  // namespace visage::decode
