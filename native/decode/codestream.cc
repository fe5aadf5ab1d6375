#include "decode/codestream.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "decode/boxes.h"
#include "decode/codec.h"

namespace visage::decode {
namespace {

enum Marker : std::uint16_t {
  kStart = 0xFF4F,
  kSize = 0xFF51,
  kCodingStyle = 0xFF52,
  kComponentStyle = 0xFF53,
  kProgressions = 0xFF5F,
  kTilePart = 0xFF90,
  kData = 0xFF93,
  kEnd = 0xFFD9,
};

/// CMYK and opacity.
constexpr int kMaxComponents = 5;
constexpr int kMaxBits = 16;
/// OpenJPEG takes four bytes a sample.
constexpr std::int64_t kMaxSamples = 60'000'000;
constexpr std::int64_t kMaxTiles = 4096;
constexpr std::int64_t kMaxPrecincts = 250'000;
constexpr std::int64_t kMaxCodeBlocks = 500'000;
constexpr std::int64_t kMaxPackets = 4'000'000;
constexpr int kMaxProgressions = 64;
constexpr int kMaxDecompositions = 32;

[[noreturn]] void RefuseBroken() {
  throw base::Error(base::ErrorCode::kInvalidImage, "The JPEG 2000 file is cut short or broken.");
}
[[noreturn]] void RefuseParts(const char* what) {
  throw base::Error(base::ErrorCode::kImageTooLarge,
                    "The JPEG 2000 file divides its image into too many " + std::string(what) + ".");
}

std::int64_t DivideUp(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

class HeaderReader {
 public:
  explicit HeaderReader(std::span<const std::uint8_t> bytes) : bytes_(bytes), cursor_(bytes, "JPEG 2000") {}

  CodestreamHeader Read() {
    if (cursor_.U16() != kStart || cursor_.U16() != kSize) RefuseBroken();
    ReadSize(Segment());
    header_.halvings = kMaxDecompositions;
    ReadSegments(kTilePart);
    if (!styled_) RefuseBroken();
    for (;;) {
      const std::size_t start = bytes_.size() - cursor_.rest().size() - 2;
      constexpr std::size_t kTilePartHead = 8;
      Cursor part = Segment();
      if (part.rest().size() != kTilePartHead) RefuseBroken();
      part.U16();
      const std::size_t length = part.U32();
      ReadSegments(kData);
      const std::size_t next = start + length;
      if (length == 0 || next >= bytes_.size()) break;
      if (next < bytes_.size() - cursor_.rest().size()) RefuseBroken();
      cursor_ = Cursor(bytes_.subspan(next), "JPEG 2000");
      if (cursor_.rest().size() < 2 || cursor_.U16() != kTilePart) break;
    }
    return header_;
  }

 private:
  Cursor Segment() {
    const int length = cursor_.U16();
    if (length < 2) RefuseBroken();
    return Cursor(cursor_.Take(static_cast<std::size_t>(length) - 2), "JPEG 2000");
  }

  void ReadSegments(Marker last) {
    for (std::uint16_t marker = cursor_.U16(); marker != last; marker = cursor_.U16()) {
      if (marker < 0xFF00 || marker == kEnd || marker == kData || marker == kTilePart) RefuseBroken();
      Cursor segment = Segment();
      if (marker == kCodingStyle) {
        const int style = segment.U8();
        segment.U8();
        layers_ = std::max<std::int64_t>(layers_, segment.U16());
        segment.U8();
        ReadStyle(segment, (style & 1) != 0);
        styled_ = true;
      } else if (marker == kComponentStyle) {
        segment.Take(header_.components < 257 ? 1 : 2);
        const int style = segment.U8();
        ReadStyle(segment, (style & 1) != 0);
      } else if (marker == kProgressions) {
        // Two bytes of each of 7 to 9 are the layer.
        progressions_ += static_cast<std::int64_t>(segment.rest().size() / 7) + 1;
        if (progressions_ > kMaxProgressions) RefuseParts("progressions");
      }
      CheckPackets();
    }
  }

  void ReadSize(Cursor segment) {
    segment.U16();
    std::array<std::int64_t, 8> n;
    for (std::int64_t& value : n) value = segment.U32();
    const auto [right, bottom, left, top, tile_width, tile_height, tile_left, tile_top] = n;
    if (right <= left || bottom <= top || tile_width == 0 || tile_height == 0 || tile_left > left ||
        tile_top > top) {
      RefuseBroken();
    }
    CheckSize(right - left, bottom - top);
    header_.width = static_cast<int>(right - left);
    header_.height = static_cast<int>(bottom - top);
    header_.components = segment.U16();
    if (header_.components < 1 || header_.components > kMaxComponents) {
      throw base::Error(base::ErrorCode::kUnsupportedImage,
                        "The JPEG 2000 file has " + std::to_string(header_.components) +
                            " components; at most " + std::to_string(kMaxComponents) + " are supported.");
    }
    const std::int64_t samples = (right - left) * (bottom - top) * header_.components;
    if (samples > kMaxSamples) {
      throw base::Error(base::ErrorCode::kImageTooLarge, "The JPEG 2000 file has " + std::to_string(samples) +
                                                             " samples; at most " +
                                                             std::to_string(kMaxSamples) + " are allowed.");
    }
    for (int i = 0; i < header_.components; ++i) {
      constexpr int kMaxStep = 4;
      const int bits = (segment.U8() & 0x7F) + 1;
      const int across = segment.U8(), down = segment.U8();
      if (bits > kMaxBits || across < 1 || across > kMaxStep || down < 1 || down > kMaxStep) {
        throw base::Error(base::ErrorCode::kUnsupportedImage,
                          "The JPEG 2000 file uses a depth or sampling that is not supported.");
      }
    }
    // OpenJPEG counts tiles from the tile grid's corner.
    tiles_ = DivideUp(right - tile_left, tile_width) * DivideUp(bottom - tile_top, tile_height);
    if (tiles_ > kMaxTiles) RefuseParts("tiles");
  }

  /// ISO/IEC 15444-1, table A.15.
  void ReadStyle(Cursor& segment, bool has_precincts) {
    const int levels = segment.U8();
    if (levels > kMaxDecompositions) RefuseBroken();
    header_.halvings = std::min(header_.halvings, levels);
    const int block_width = (segment.U8() & 15) + 2, block_height = (segment.U8() & 15) + 2;
    segment.U16();
    std::int64_t precincts = 0, blocks = 0;
    for (int level = 0; level <= levels; ++level) {
      const int sizes = has_precincts ? segment.U8() : 0xFF;
      const int halvings = levels - level;
      const std::int64_t width = (std::int64_t{header_.width} >> halvings) + 1;
      const std::int64_t height = (std::int64_t{header_.height} >> halvings) + 1;
      const auto count = [&](int across, int down) {
        // Tiles cut what crosses their edges.
        return DivideUp(width, std::int64_t{1} << across) * DivideUp(height, std::int64_t{1} << down) +
               2 * tiles_;
      };
      const int across = sizes & 15, down = sizes >> 4;
      precincts += count(across, down);
      const int shift = level == 0 ? 0 : 1;
      blocks += count(std::clamp(across - shift, 0, block_width), std::clamp(down - shift, 0, block_height));
    }
    if (precincts * header_.components > kMaxPrecincts) RefuseParts("precincts");
    if (blocks * header_.components > kMaxCodeBlocks) RefuseParts("code blocks");
    precincts_ = std::max(precincts_, precincts * header_.components);
  }

  void CheckPackets() const {
    if (precincts_ * layers_ * (progressions_ + 1) > kMaxPackets) RefuseParts("packets");
  }

  std::span<const std::uint8_t> bytes_;
  Cursor cursor_;
  CodestreamHeader header_;
  std::int64_t tiles_ = 0;
  std::int64_t layers_ = 1;
  std::int64_t precincts_ = 0;
  std::int64_t progressions_ = 0;
  bool styled_ = false;
};

}  // namespace

CodestreamHeader ReadCodestreamHeader(std::span<const std::uint8_t> bytes) {
  return HeaderReader(bytes).Read();
}

}  // namespace visage::decode
