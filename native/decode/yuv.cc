#include "decode/yuv.h"

#include <algorithm>
#include <vector>

#include "base/yield.h"

namespace visage::decode {
namespace {

using Row = std::vector<std::uint16_t>;

/// out = matrix * (in - offset), 0..255.
struct Conversion {
  std::array<std::array<float, 3>, 3> matrix = {};
  std::array<float, 3> offset = {};
};

/// Of red and blue (ITU-T H.273, table 4).
std::array<float, 2> LumaWeights(int matrix) {
  switch (matrix) {
    case 1:
      return {0.2126f, 0.0722f};
    case 4:
      return {0.30f, 0.11f};
    case 7:
      return {0.212f, 0.087f};
    case 9:
    case 10:
      return {0.2627f, 0.0593f};
    default:
      return {0.299f, 0.114f};
  }
}

Conversion MakeConversion(const Cicp& cicp, int bits, bool luma_only) {
  constexpr int kIdentity = 0, kYCgCo = 8;
  const auto unit = static_cast<float>(1 << (bits - 8));
  const auto full = static_cast<float>((1 << bits) - 1);
  const float luma = 255 / (cicp.full_range ? full : 219 * unit);
  const float chroma = 255 / (cicp.full_range ? full : 224 * unit);
  const float black = cicp.full_range ? 0 : 16 * unit;
  const float middle = 128 * unit;

  if (luma_only) return {.matrix = {{{luma, 0, 0}, {luma, 0, 0}, {luma, 0, 0}}}, .offset = {black, 0, 0}};
  if (cicp.matrix == kIdentity) {
    return {.matrix = {{{0, 0, luma}, {luma, 0, 0}, {0, luma, 0}}}, .offset = {black, black, black}};
  }
  if (cicp.matrix == kYCgCo) {
    return {.matrix = {{{luma, -chroma, chroma}, {luma, chroma, 0}, {luma, -chroma, -chroma}}},
            .offset = {black, middle, middle}};
  }
  const auto [red, blue] = LumaWeights(cicp.matrix);
  const float green = 1 - red - blue;
  return {.matrix = {{{luma, 0, 2 * (1 - red) * chroma},
                      {luma, -2 * blue * (1 - blue) / green * chroma, -2 * red * (1 - red) / green * chroma},
                      {luma, 2 * (1 - blue) * chroma, 0}}},
          .offset = {black, middle, middle}};
}

void ReadRow(const YuvPicture& picture, int plane, int y, int width, Row& to) {
  const std::uint8_t* const from = picture.planes[plane] + y * picture.strides[plane];
  if (picture.bits == 8) {
    std::copy_n(from, width, to.begin());
  } else {
    std::copy_n(reinterpret_cast<const std::uint16_t*>(from), width, to.begin());
  }
}

/// Linear interpolation of centred chroma, as libjpeg's "fancy upsampling".
class ChromaReader {
 public:
  explicit ChromaReader(const YuvPicture& picture)
      : picture_(picture),
        width_(picture.half_width ? (picture.width + 1) / 2 : picture.width),
        height_(picture.half_height ? (picture.height + 1) / 2 : picture.height),
        near_(static_cast<std::size_t>(width_)),
        far_(static_cast<std::size_t>(width_)) {}

  void Read(int plane, int y, Row& to) {
    Row& blended = picture_.half_width ? near_ : to;
    if (picture_.half_height) {
      const int at = y / 2;
      const int other = std::clamp(y % 2 == 0 ? at - 1 : at + 1, 0, height_ - 1);
      ReadRow(picture_, plane, at, width_, blended);
      ReadRow(picture_, plane, other, width_, far_);
      for (int x = 0; x < width_; ++x) {
        blended[x] = static_cast<std::uint16_t>((3 * blended[x] + far_[x] + 2) >> 2);
      }
    } else {
      ReadRow(picture_, plane, y, width_, blended);
    }
    if (!picture_.half_width) return;
    for (int x = 0; x < width_; ++x) {
      const int here = 3 * near_[x] + 2;
      to[2 * x] = static_cast<std::uint16_t>((here + near_[std::max(x - 1, 0)]) >> 2);
      to[2 * x + 1] = static_cast<std::uint16_t>((here + near_[std::min(x + 1, width_ - 1)]) >> 2);
    }
  }

 private:
  const YuvPicture& picture_;
  int width_;
  int height_;
  Row near_;
  Row far_;
};

void Convert(const Conversion& conversion, const std::array<Row, 3>& rows, int width, std::uint8_t* to) {
  const auto [offset0, offset1, offset2] = conversion.offset;
  for (int x = 0; x < width; ++x, to += base::Image::kChannels) {
    const float a = static_cast<float>(rows[0][x]) - offset0;
    const float b = static_cast<float>(rows[1][x]) - offset1;
    const float c = static_cast<float>(rows[2][x]) - offset2;
    for (int i = 0; i < base::Image::kChannels; ++i) {
      const auto& m = conversion.matrix[i];
      to[i] = static_cast<std::uint8_t>(std::clamp(m[0] * a + m[1] * b + m[2] * c + 0.5f, 0.5f, 255.5f));
    }
  }
}

}  // namespace

void ToRgb(const YuvPicture& picture, bool luma_only, base::Image& canvas, int left, int top) {
  luma_only = luma_only || !picture.has_chroma;
  const Conversion conversion = MakeConversion(picture.cicp, picture.bits, luma_only);
  const int width = std::min(picture.width, canvas.width() - left);
  const int height = std::min(picture.height, canvas.height() - top);
  std::array<Row, 3> rows;
  rows.fill(Row(static_cast<std::size_t>(picture.width) + 1));
  ChromaReader chroma(picture);
  for (int y = 0; y < height; ++y) {
    base::YieldPoint();
    ReadRow(picture, 0, y, picture.width, rows[0]);
    if (!luma_only) {
      chroma.Read(1, y, rows[1]);
      chroma.Read(2, y, rows[2]);
    }
    Convert(conversion, rows, width, canvas.Row(top + y) + left * base::Image::kChannels);
  }
}

}  // namespace visage::decode
