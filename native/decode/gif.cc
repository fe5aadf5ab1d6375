#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/yield.h"
#include "decode/bytes.h"
#include "decode/codec.h"

namespace visage::decode {
namespace {

using Rgb = std::array<std::uint8_t, base::Image::kChannels>;
/// Undefined indices are black.
using Palette = std::array<Rgb, 256>;

constexpr Rgb kWhite = {255, 255, 255};
constexpr int kOpaque = -1;

constexpr std::size_t kHeaderBytes = 13;
constexpr std::uint8_t kExtension = 0x21;
constexpr std::uint8_t kFrame = 0x2C;
constexpr std::uint8_t kTrailer = 0x3B;
constexpr std::uint8_t kGraphicControl = 0xF9;
constexpr std::uint8_t kHasTable = 0x80;
constexpr std::uint8_t kInterlace = 0x40;

/// GIF89a, appendix E.
struct Pass {
  int first;
  int step;
};
constexpr std::array<Pass, 4> kInterlaced = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
constexpr std::array<Pass, 1> kProgressive = {{{0, 1}}};

[[noreturn]] void Refuse(const std::string& why) { throw base::Error(base::ErrorCode::kInvalidImage, why); }

template <typename T>
T Need(std::optional<T> value) {
  if (!value) Refuse("The GIF file is cut short.");
  return *value;
}

struct Frame {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  bool interlaced = false;
  Palette palette{};
  /// Of the pixels' code size.
  std::size_t data = 0;
};

class GifReader {
 public:
  explicit GifReader(std::span<const std::uint8_t> bytes)
      : bytes_(bytes), reader_(bytes, ByteOrder::kLittle) {}

  int screen_width() const { return Need(reader_.U16(6)); }
  int screen_height() const { return Need(reader_.U16(8)); }

  Frame FindFirstFrame() {
    std::size_t at = kHeaderBytes;
    const std::optional<Palette> global = ReadTable(Need(reader_.U8(10)), at);
    int transparent = kOpaque;
    for (;;) {
      const std::uint8_t kind = Need(reader_.U8(at++));
      if (kind == kFrame) break;
      if (kind == kTrailer) Refuse("The GIF file contains no image.");
      if (kind != kExtension) Refuse("The GIF file is broken.");
      const std::uint8_t extension = Need(reader_.U8(at++));
      if (extension == kGraphicControl && Need(reader_.U8(at)) >= 4) {
        const bool used = (Need(reader_.U8(at + 1)) & 1) != 0;
        transparent = used ? Need(reader_.U8(at + 4)) : kOpaque;
      }
      while (const std::uint8_t length = Need(reader_.U8(at++))) at += length;
    }
    Frame frame{.left = Need(reader_.U16(at)),
                .top = Need(reader_.U16(at + 2)),
                .width = Need(reader_.U16(at + 4)),
                .height = Need(reader_.U16(at + 6))};
    const std::uint8_t packed = Need(reader_.U8(at + 8));
    frame.interlaced = (packed & kInterlace) != 0;
    frame.data = at + 9;
    const std::optional<Palette> local = ReadTable(packed, frame.data);
    if (!local && !global) Refuse("The GIF file has no palette.");
    frame.palette = local ? *local : *global;
    if (transparent != kOpaque) frame.palette[transparent] = kWhite;
    return frame;
  }

 private:
  std::optional<Palette> ReadTable(std::uint8_t packed, std::size_t& at) const {
    if ((packed & kHasTable) == 0) return std::nullopt;
    const std::size_t count = std::size_t{2} << (packed & 7);
    if (!reader_.Holds(at, 3 * count)) Refuse("The GIF file is cut short.");
    Palette palette{};
    for (std::size_t i = 0; i < count; ++i) std::copy_n(bytes_.data() + at + 3 * i, 3, palette[i].data());
    at += 3 * count;
    return palette;
  }

  std::span<const std::uint8_t> bytes_;
  ByteReader reader_;
};

/// GIF89a, appendix F.
class IndexReader {
 public:
  explicit IndexReader(std::span<const std::uint8_t> data) : data_(data) {
    if (data.empty()) Refuse("The GIF file is cut short.");
    code_size_ = data[0];
    if (code_size_ < 1 || code_size_ > 8) Refuse("The GIF file is broken.");
    at_ = 1;
    for (unsigned i = 0; i < Clear(); ++i) suffix_[i] = static_cast<std::uint8_t>(i);
    Reset();
  }

  /// @returns the number of indices; fewer where the data ends. @throws kInvalidImage for an impossible code.
  std::size_t Read(std::span<std::uint8_t> to) {
    std::size_t count = 0;
    while (count < to.size()) {
      if (waiting_ == 0 && !Unpack()) break;
      while (waiting_ > 0 && count < to.size()) to[count++] = stack_[--waiting_];
    }
    return count;
  }

 private:
  static constexpr unsigned kMostBits = 12;
  static constexpr unsigned kMostCodes = 1U << kMostBits;
  static constexpr unsigned kNone = kMostCodes;

  unsigned Clear() const { return 1U << code_size_; }
  unsigned End() const { return Clear() + 1; }

  void Reset() {
    width_ = code_size_ + 1U;
    next_ = End() + 1;
    previous_ = kNone;
  }

  std::optional<unsigned> NextCode() {
    while (bit_count_ < width_) {
      if (block_ == 0) {
        block_ = at_ < data_.size() ? data_[at_++] : 0;
        if (block_ == 0) return std::nullopt;
      }
      if (at_ >= data_.size()) return std::nullopt;
      bits_ |= static_cast<unsigned>(data_[at_++]) << bit_count_;
      bit_count_ += 8;
      --block_;
    }
    const unsigned code = bits_ & ((1U << width_) - 1);
    bits_ >>= width_;
    bit_count_ -= width_;
    return code;
  }

  bool Unpack() {
    std::optional<unsigned> code = NextCode();
    while (code == Clear()) {
      Reset();
      code = NextCode();
    }
    if (!code || code == End()) return false;
    const bool is_new = *code == next_ && previous_ != kNone;
    if (*code >= next_ && !is_new) Refuse("The GIF file is broken.");

    unsigned from = *code;
    if (is_new) {
      stack_[waiting_++] = first_;
      from = previous_;
    }
    for (; from > End(); from = prefix_[from]) stack_[waiting_++] = suffix_[from];
    first_ = suffix_[from];
    stack_[waiting_++] = first_;

    if (previous_ != kNone && next_ < kMostCodes) {
      prefix_[next_] = static_cast<std::uint16_t>(previous_);
      suffix_[next_] = first_;
      ++next_;
      if (next_ == 1U << width_ && width_ < kMostBits) ++width_;
    }
    previous_ = *code;
    return true;
  }

  std::span<const std::uint8_t> data_;
  std::size_t at_ = 0;
  unsigned code_size_ = 0;
  /// Bytes left of the current block.
  unsigned block_ = 0;
  unsigned bits_ = 0;
  unsigned bit_count_ = 0;
  unsigned width_ = 0;
  unsigned next_ = 0;
  unsigned previous_ = kNone;
  std::uint8_t first_ = 0;
  std::array<std::uint16_t, kMostCodes> prefix_{};
  std::array<std::uint8_t, kMostCodes> suffix_{};
  std::array<std::uint8_t, kMostCodes + 1> stack_{};
  std::size_t waiting_ = 0;
};

void ReadFrame(std::span<const std::uint8_t> data, const Frame& frame, base::Image& canvas) {
  IndexReader indices(data);
  std::vector<std::uint8_t> line(static_cast<std::size_t>(frame.width));
  const std::span<const Pass> passes = frame.interlaced ? std::span<const Pass>(kInterlaced) : kProgressive;
  int rows = 0;
  for (const Pass pass : passes) {
    for (int y = pass.first; y < frame.height; y += pass.step, ++rows) {
      base::YieldPoint();
      if (indices.Read(line) < line.size()) {
        Refuse("The GIF file is cut short: " + std::to_string(rows) + " of " + std::to_string(frame.height) +
               " rows are there.");
      }
      std::uint8_t* to = canvas.Row(frame.top + y) + frame.left * base::Image::kChannels;
      for (const std::uint8_t index : line)
        to = std::copy_n(frame.palette[index].data(), base::Image::kChannels, to);
    }
  }
}

}  // namespace

StoredPicture DecodeGif(std::span<const std::uint8_t> bytes) {
  GifReader reader(bytes);
  Frame frame = reader.FindFirstFrame();

  // As in browsers, an empty frame fills the screen, and a larger frame widens it.
  if (frame.width == 0 || frame.height == 0) {
    frame.width = reader.screen_width();
    frame.height = reader.screen_height();
  }
  const int width = std::max(reader.screen_width(), frame.left + frame.width);
  const int height = std::max(reader.screen_height(), frame.top + frame.height);
  CheckSize(width, height);

  StoredPicture picture{.image = base::Image(width, height), .full_width = width, .full_height = height};
  if (frame.width != width || frame.height != height) {
    std::fill_n(picture.image.data(), picture.image.size_bytes(), std::uint8_t{255});
  }
  ReadFrame(bytes.subspan(std::min(frame.data, bytes.size())), frame, picture.image);
  return picture;
}

}  // namespace visage::decode
