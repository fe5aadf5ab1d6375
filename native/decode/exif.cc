#include "decode/exif.h"

#include <algorithm>
#include <array>

#include "decode/bytes.h"

namespace visage::decode {
namespace {

constexpr int kUpright = 1;
constexpr std::array<std::uint8_t, 6> kJpegPrefix = {'E', 'x', 'i', 'f', 0, 0};
constexpr std::uint16_t kTiffMagic = 42;
constexpr std::uint16_t kOrientationTag = 0x0112;
constexpr std::uint16_t kShortType = 3;
constexpr std::size_t kEntryBytes = 12;

}  // namespace

int ReadExifOrientation(std::span<const std::uint8_t> exif) {
  if (exif.size() >= kJpegPrefix.size() && std::ranges::equal(exif.first(kJpegPrefix.size()), kJpegPrefix)) {
    exif = exif.subspan(kJpegPrefix.size());
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
    if (tiff.U16(entry + 2) != kShortType || tiff.U32(entry + 4) != 1) break;
    const int orientation = tiff.U16(entry + 8).value_or(kUpright);
    return orientation >= 1 && orientation <= 8 ? orientation : kUpright;
  }
  return kUpright;
}

}  // namespace visage::decode
