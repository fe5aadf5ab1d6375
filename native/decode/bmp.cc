#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/yield.h"
#include "decode/bmp_header.h"
#include "decode/codec.h"

namespace visage::decode {
namespace {

[[noreturn]] void RefuseShort(std::size_t rows, int height) {
  throw base::Error(base::ErrorCode::kInvalidImage, "The BMP file is cut short: " + std::to_string(rows) +
                                                        " of " + std::to_string(height) + " rows are there.");
}

void ReadIndexed(const std::uint8_t* from, const BmpHeader& header, std::uint8_t* to) {
  const int per_byte = 8 / header.bits;
  const unsigned mask = (1U << header.bits) - 1;
  for (int x = 0; x < header.width; ++x) {
    const int shift = 8 - header.bits * (x % per_byte + 1);
    to = std::copy_n(header.palette[(from[x / per_byte] >> shift) & mask].data(), base::Image::kChannels, to);
  }
}

void Read24(const std::uint8_t* from, const BmpHeader& header, std::uint8_t* to) {
  for (int x = 0; x < header.width; ++x, from += 3, to += base::Image::kChannels) {
    to[0] = from[2];
    to[1] = from[1];
    to[2] = from[0];
  }
}

std::uint32_t PixelAt(const std::uint8_t* row, int x, int bits) {
  if (bits == 16) return row[2 * x] | row[2 * x + 1] << 8;
  const std::uint8_t* const p = row + 4 * static_cast<std::ptrdiff_t>(x);
  return p[0] | p[1] << 8 | p[2] << 16 | static_cast<std::uint32_t>(p[3]) << 24;
}

void ReadMasked(const std::uint8_t* from, const BmpHeader& header, std::uint8_t* to) {
  for (int x = 0; x < header.width; ++x, to += base::Image::kChannels) {
    const std::uint32_t pixel = PixelAt(from, x, header.bits);
    to[0] = header.red.Of(pixel);
    to[1] = header.green.Of(pixel);
    to[2] = header.blue.Of(pixel);
    if (!header.alpha.present()) continue;
    const int alpha = header.alpha.Of(pixel);
    for (int c = 0; c < base::Image::kChannels; ++c) {
      to[c] = static_cast<std::uint8_t>((to[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
}

base::Image ReadRows(std::span<const std::uint8_t> pixels, BmpHeader header) {
  const std::size_t row_bits = static_cast<std::size_t>(header.width) * header.bits;
  const std::size_t stride = (row_bits + 31) / 32 * 4;
  // The last row may lack its padding.
  if (pixels.size() < stride * (header.height - 1) + (row_bits + 7) / 8)
    RefuseShort(pixels.size() / stride, header.height);

  // Some programs leave the alpha channel 0 in opaque images.
  if (header.alpha.present()) {
    bool seen = false;
    for (int y = 0; y < header.height && !seen; ++y) {
      for (int x = 0; x < header.width && !seen; ++x) {
        seen = header.alpha.Of(PixelAt(pixels.data() + y * stride, x, header.bits)) != 0;
      }
    }
    if (!seen) header.alpha = {};
  }

  base::Image image(header.width, header.height);
  const auto read = header.bits == 24 ? Read24 : header.bits > 8 ? ReadMasked : ReadIndexed;
  for (int y = 0; y < header.height; ++y) {
    base::YieldPoint();
    read(pixels.data() + y * stride, header, image.Row(header.top_down ? y : header.height - 1 - y));
  }
  return image;
}

/// Skipped pixels have index 0.
class RunReader {
 public:
  RunReader(std::span<const std::uint8_t> codes, const BmpHeader& header)
      : header_(header), rest_(codes), image_(header.width, header.height) {
    for (int y = 0; y < header.height; ++y) {
      std::uint8_t* to = image_.Row(y);
      for (int x = 0; x < header.width; ++x)
        to = std::copy_n(header.palette[0].data(), base::Image::kChannels, to);
    }
  }

  base::Image Decode() {
    while (y_ < header_.height) {
      // A full last row needs no end marker.
      if (rest_.size() < 2 && y_ == header_.height - 1 && x_ >= header_.width) break;
      const std::uint8_t count = Next();
      const std::uint8_t value = Next();
      if (count > 0) {
        for (int i = 0; i < count && x_ < header_.width; ++i) Put(Index(value, i));
      } else if (value == kEndOfLine) {
        x_ = 0;
        ++y_;
      } else if (value == kEndOfBitmap) {
        break;
      } else if (value == kDelta) {
        x_ += Next();
        y_ += Next();
      } else {
        ReadLiteral(value);
      }
    }
    return std::move(image_);
  }

 private:
  enum Escape : std::uint8_t { kEndOfLine = 0, kEndOfBitmap = 1, kDelta = 2 };

  std::uint8_t Next() {
    if (rest_.empty()) RefuseShort(static_cast<std::size_t>(y_), header_.height);
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }

  int Index(std::uint8_t value, int i) const {
    if (header_.bits == 8) return value;
    return i % 2 == 0 ? value >> 4 : value & 15;
  }

  void ReadLiteral(int count) {
    const int per_byte = 8 / header_.bits;
    const int bytes = (count + per_byte - 1) / per_byte;
    std::uint8_t value = 0;
    for (int i = 0; i < count; ++i) {
      if (i % per_byte == 0) value = Next();
      Put(Index(value, i));
    }
    if (bytes % 2 != 0) Next();
  }

  void Put(int index) {
    if (x_ >= header_.width) return;
    std::copy_n(header_.palette[index].data(), base::Image::kChannels,
                image_.Row(header_.top_down ? y_ : header_.height - 1 - y_) + x_ * base::Image::kChannels);
    ++x_;
  }

  const BmpHeader& header_;
  std::span<const std::uint8_t> rest_;
  base::Image image_;
  int x_ = 0;
  int y_ = 0;
};

}  // namespace

StoredPicture DecodeBmp(std::span<const std::uint8_t> bytes) {
  const BmpHeader header = ReadBmpHeader(bytes);
  const std::span<const std::uint8_t> pixels = bytes.subspan(header.pixels);
  const bool runs =
      header.compression == BmpCompression::kRle8 || header.compression == BmpCompression::kRle4;
  return {.image = runs ? RunReader(pixels, header).Decode() : ReadRows(pixels, header),
          .full_width = header.width,
          .full_height = header.height};
}

}  // namespace visage::decode
