#include "decode/profiles.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "decode/bytes.h"

namespace visage::decode {
namespace {

constexpr std::size_t kMaxProfileBytes = 4 << 20;

std::vector<std::uint8_t> Inflate(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> result(1 << 12);
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return {};
  // zlib only reads the bytes.
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  int status = Z_OK;
  while (status == Z_OK) {
    if (stream.total_out == result.size()) {
      if (result.size() >= kMaxProfileBytes) break;
      result.resize(2 * result.size());
    }
    stream.next_out = result.data() + stream.total_out;
    stream.avail_out = static_cast<uInt>(result.size() - stream.total_out);
    status = inflate(&stream, Z_NO_FLUSH);
  }
  result.resize(status == Z_STREAM_END ? stream.total_out : 0);
  inflateEnd(&stream);
  return result;
}

}  // namespace

std::vector<std::uint8_t> FindJpegProfile(std::span<const std::uint8_t> bytes) {
  constexpr std::uint8_t kApp2 = 0xE2, kScan = 0xDA;
  constexpr std::string_view kName("ICC_PROFILE\0", 12);
  constexpr std::size_t kPartHead = 2 + kName.size() + 2;
  const ByteReader reader(bytes, ByteOrder::kBig);
  std::array<std::span<const std::uint8_t>, 256> parts;
  std::size_t count = 0;
  for (std::size_t at = 2; reader.Holds(at, 4);) {
    if (bytes[at] != 0xFF) break;
    const std::uint8_t marker = bytes[at + 1];
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    if (marker == kScan) break;
    const std::size_t length = *reader.U16(at + 2);
    if (length < 2 || !reader.Holds(at + 2, length)) break;
    const auto segment = bytes.subspan(at + 2, length);
    if (marker == kApp2 && length > kPartHead &&
        std::ranges::equal(segment.subspan(2, kName.size()), kName,
                           [](std::uint8_t byte, char c) { return byte == static_cast<std::uint8_t>(c); })) {
      parts[segment[kPartHead - 2]] = segment.subspan(kPartHead);
      count = segment[kPartHead - 1];
    }
    at += 2 + length;
  }
  std::vector<std::uint8_t> profile;
  for (std::size_t i = 1; i <= count; ++i) {
    if (parts[i].empty()) return {};
    profile.insert(profile.end(), parts[i].begin(), parts[i].end());
  }
  return profile;
}

ColourSpace FindPngColour(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kSignature = 8, kHead = 8, kFrame = 12;
  const ByteReader reader(bytes, ByteOrder::kBig);
  ColourSpace space;
  for (std::size_t chunk = kSignature; reader.Holds(chunk, kFrame);) {
    const std::size_t length = *reader.U32(chunk);
    if (!reader.Holds(chunk, kFrame + length)) break;
    const std::string_view name(reinterpret_cast<const char*>(bytes.data()) + chunk + 4, 4);
    const auto content = bytes.subspan(chunk + kHead, length);
    if (name == "IDAT") break;
    if (name == "cICP" && length == 4) {
      // It counts before iCCP.
      return {.icc = {}, .cicp = {.primaries = content[0], .transfer = content[1]}};
    }
    if (name == "iCCP") {
      const auto end = std::ranges::find(content, 0);
      const std::size_t head = static_cast<std::size_t>(end - content.begin()) + 2;
      if (head < content.size()) space.icc = Inflate(content.subspan(head));
    }
    chunk += kFrame + length;
  }
  return space;
}

}  // namespace visage::decode
