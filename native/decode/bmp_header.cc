#include "decode/bmp_header.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "base/error.h"
#include "decode/bytes.h"
#include "decode/codec.h"

namespace visage::decode {
namespace {

constexpr std::size_t kFileHeaderBytes = 14;
constexpr std::size_t kCoreBytes = 12;
constexpr std::size_t kInfoBytes = 40;
constexpr std::array<std::uint32_t, 5> kWindowsHeaders = {40, 52, 56, 108, 124};
/// OS/2's second header ends behind any field; the others are 0. From byte 40 on, its fields differ from
/// Windows' masks.
constexpr std::uint32_t kLeastOs2Bytes = 16;
constexpr std::uint32_t kMostOs2Bytes = 64;
constexpr std::size_t kMasksAt = kFileHeaderBytes + kInfoBytes;

[[noreturn]] void Refuse(const std::string& why) { throw base::Error(base::ErrorCode::kInvalidImage, why); }

[[noreturn]] void RefuseCoding() {
  throw base::Error(base::ErrorCode::kUnsupportedImage, "The BMP file uses a coding that is not supported.");
}

template <typename T>
T Need(std::optional<T> value) {
  if (!value) Refuse("The BMP file is cut short.");
  return *value;
}

BmpChannel MakeChannel(std::uint32_t mask, int bits) {
  BmpChannel channel;
  if (mask == 0) return channel;
  int shift = std::countr_zero(mask);
  int width = std::popcount(mask);
  if (static_cast<int>(std::bit_width(mask)) != shift + width || shift + width > bits)
    Refuse("The BMP file's masks are wrong.");
  constexpr int kByte = std::numeric_limits<std::uint8_t>::digits;
  if (width > kByte) {
    shift += width - kByte;
    width = kByte;
  }
  channel.shift = shift;
  channel.mask = (1U << width) - 1;
  for (std::uint32_t value = 0; value <= channel.mask; ++value) {
    channel.table[value] = static_cast<std::uint8_t>((value * 255 + channel.mask / 2) / channel.mask);
  }
  return channel;
}

void CheckCoding(const BmpHeader& header) {
  const int bits = header.bits;
  const bool indexed = bits == 1 || bits == 2 || bits == 4 || bits == 8;
  if (!indexed && bits != 16 && bits != 24 && bits != 32) {
    Refuse("The BMP file has " + std::to_string(bits) + " bits per pixel, which no BMP file can have.");
  }
  switch (header.compression) {
    case BmpCompression::kNone:
      return;
    case BmpCompression::kRle8:
      if (bits == 8) return;
      break;
    case BmpCompression::kRle4:
      if (bits == 4) return;
      break;
    case BmpCompression::kBitFields:
    case BmpCompression::kAlphaBitFields:
      if (bits == 16 || bits == 32) return;
      break;
    default:
      RefuseCoding();
  }
  Refuse("The BMP file's compression does not allow " + std::to_string(bits) + " bits per pixel.");
}

std::size_t ReadMasks(const ByteReader& reader, std::uint32_t header_bytes, BmpHeader& header) {
  const std::size_t end = kFileHeaderBytes + header_bytes;
  if (header.bits != 16 && header.bits != 32) return end;
  const bool with_alpha = header.compression == BmpCompression::kAlphaBitFields || header_bytes >= 56;
  if (header.compression == BmpCompression::kNone) {
    const bool is16 = header.bits == 16;
    header.red = MakeChannel(is16 ? 0x7C00 : 0xFF0000, header.bits);
    header.green = MakeChannel(is16 ? 0x03E0 : 0x00FF00, header.bits);
    header.blue = MakeChannel(is16 ? 0x001F : 0x0000FF, header.bits);
    return end;
  }
  header.red = MakeChannel(Need(reader.U32(kMasksAt)), header.bits);
  header.green = MakeChannel(Need(reader.U32(kMasksAt + 4)), header.bits);
  header.blue = MakeChannel(Need(reader.U32(kMasksAt + 8)), header.bits);
  if (with_alpha) header.alpha = MakeChannel(Need(reader.U32(kMasksAt + 12)), header.bits);
  return std::max(end, kMasksAt + (with_alpha ? 16U : 12U));
}

void ReadPalette(std::span<const std::uint8_t> bytes, std::size_t at, std::uint32_t count,
                 std::size_t entry_bytes, BmpHeader& header) {
  // Some files start the pixels inside the palette.
  const std::size_t room = (std::max(header.pixels, at) - at) / entry_bytes;
  const std::size_t entries = std::min<std::size_t>({count, std::size_t{1} << header.bits, room});
  for (std::size_t i = 0; i < entries; ++i) {
    const std::uint8_t* const bgr = bytes.data() + at + i * entry_bytes;
    header.palette[i] = {bgr[2], bgr[1], bgr[0]};
  }
}

}  // namespace

BmpHeader ReadBmpHeader(std::span<const std::uint8_t> bytes) {
  const ByteReader reader(bytes, ByteOrder::kLittle);
  constexpr std::size_t kAt = kFileHeaderBytes;
  const std::uint32_t header_bytes = Need(reader.U32(kAt));
  const bool core = header_bytes == kCoreBytes;
  const bool os2 = !core && std::ranges::find(kWindowsHeaders, header_bytes) == kWindowsHeaders.end();
  if (os2 && (header_bytes < kLeastOs2Bytes || header_bytes > kMostOs2Bytes || header_bytes % 2 != 0))
    RefuseCoding();
  if (!reader.Holds(kAt, header_bytes)) Refuse("The BMP file is cut short.");

  std::int64_t width;
  std::int64_t height;
  std::uint32_t colours = 0;
  BmpHeader header;
  if (core) {
    width = Need(reader.U16(kAt + 4));
    height = Need(reader.U16(kAt + 6));
    header.bits = Need(reader.U16(kAt + 10));
  } else {
    width = static_cast<std::int32_t>(Need(reader.U32(kAt + 4)));
    height = static_cast<std::int32_t>(Need(reader.U32(kAt + 8)));
    header.bits = Need(reader.U16(kAt + 14));
    if (header_bytes >= 20) header.compression = static_cast<BmpCompression>(Need(reader.U32(kAt + 16)));
    if (header_bytes >= 36) colours = Need(reader.U32(kAt + 32));
    header.top_down = height < 0;
    height = std::abs(height);
    // OS/2 gives these numbers other meanings.
    if (os2 && header.compression > BmpCompression::kRle4) RefuseCoding();
  }
  CheckSize(width, height);
  header.width = static_cast<int>(width);
  header.height = static_cast<int>(height);
  CheckCoding(header);

  const std::size_t palette_at = ReadMasks(reader, header_bytes, header);
  const std::uint32_t entries = header.bits > 8 ? 0 : colours == 0 ? 1U << header.bits : colours;
  const std::size_t entry_bytes = core ? 3 : 4;
  header.pixels = Need(reader.U32(10));
  if (header.pixels == 0) header.pixels = palette_at + std::size_t{entries} * entry_bytes;
  if (header.pixels > bytes.size()) Refuse("The BMP file is cut short.");
  if (header.pixels < palette_at) Refuse("The BMP file's pixels begin inside of its header.");
  ReadPalette(bytes, palette_at, entries, entry_bytes, header);
  return header;
}

}  // namespace visage::decode
