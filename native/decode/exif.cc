#include "decode/exif.h"

#include <algorithm>
#include <array>

#include "decode/bytes.h"

namespace visage::decode {
namespace {

constexpr int kUpright = 1;
constexpr std::array<std::uint8_t, 5> kJpegPrefix = {'E', 'x', 'i', 'f', 0};
constexpr std::uint16_t kTiffMagic = 42;
constexpr std::uint16_t kOrientationTag = 0x0112;
constexpr std::size_t kEntryBytes = 12;
constexpr std::uint32_t kInlineBytes = 4;

/// Bytes of an integer type (TIFF 6.0, section 2), 0 for other types.
constexpr int BytesOf(std::uint16_t type) {
  switch (type) {
    case 1:
    case 6:
      return 1;
    case 3:
    case 8:
      return 2;
    case 4:
    case 9:
      return 4;
    default:
      return 0;
  }
}

/// Short values come first in their field, in either byte order.
std::uint32_t ValueAt(const ByteReader& tiff, std::size_t at, int bytes) {
  if (bytes == 4) return tiff.U32(at).value_or(0);
  if (bytes == 2) return tiff.U16(at).value_or(0);
  return tiff.U8(at).value_or(0);
}

}  // namespace

int ReadExifOrientation(std::span<const std::uint8_t> exif) {
  if (exif.size() > kJpegPrefix.size() && std::ranges::equal(exif.first(kJpegPrefix.size()), kJpegPrefix)) {
    // A byte without a meaning follows.
    exif = exif.subspan(kJpegPrefix.size() + 1);
  }
  if (exif.size() < 2 || exif[0] != exif[1] || (exif[0] != 'I' && exif[0] != 'M')) return kUpright;
  const ByteReader tiff(exif, exif[0] == 'I' ? ByteOrder::kLittle : ByteOrder::kBig);
  const auto directory = tiff.U32(4);
  if (tiff.U16(2) != kTiffMagic || !directory) return kUpright;

  const std::uint16_t entries = tiff.U16(*directory).value_or(0);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = *directory + 2 + i * kEntryBytes;
    if (!tiff.Holds(entry, kEntryBytes)) break;
    if (tiff.U16(entry) != kOrientationTag) continue;
    const int bytes = BytesOf(tiff.U16(entry + 2).value_or(0));
    const std::uint32_t count = tiff.U32(entry + 4).value_or(0);
    if (bytes == 0 || count == 0 || count > kInlineBytes / bytes) break;
    const std::uint32_t orientation = ValueAt(tiff, entry + 8, bytes);
    return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : kUpright;
  }
  return kUpright;
}

}  // namespace visage::decode
