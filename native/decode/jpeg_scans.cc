#include "decode/jpeg_scans.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "decode/bytes.h"

namespace visage::decode {
namespace {

enum Marker : std::uint8_t {
  kTemporary = 0x01,
  kRestart0 = 0xD0,
  kRestart7 = 0xD7,
  kStart = 0xD8,
  kEnd = 0xD9,
  kScan = 0xDA,
  kFill = 0xFF,
};

}  // namespace

/// ITU-T T.81, B.1.1 and B.2.3.
JpegScans FindJpegScans(std::span<const std::uint8_t> bytes) {
  const ByteReader reader(bytes, ByteOrder::kBig);
  JpegScans scans;
  for (std::size_t at = 0; at < bytes.size();) {
    const void* const fill = std::memchr(bytes.data() + at, kFill, bytes.size() - at);
    if (fill == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(fill) - bytes.data());
    while (at < bytes.size() && bytes[at] == kFill) ++at;
    if (at == bytes.size() || bytes[at] == kEnd) break;
    const std::uint8_t marker = bytes[at++];
    if (marker == kScan) {
      ++scans.count;
      const std::size_t components = at + 2 < bytes.size() ? std::min<std::size_t>(bytes[at + 2], 4) : 0;
      for (std::size_t i = at + 3; i < std::min(at + 3 + 2 * components, bytes.size()); i += 2)
        scans.components.set(bytes[i]);
    }
    const bool is_alone =
        marker <= kTemporary || marker == kStart || (marker >= kRestart0 && marker <= kRestart7);
    if (!is_alone) at += reader.U16(at).value_or(0);
  }
  return scans;
}

}  // namespace visage::decode
