#include <openjpeg.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/yield.h"
#include "decode/boxes.h"
#include "decode/codec.h"
#include "decode/codestream.h"

namespace visage::decode {
namespace {

[[noreturn]] void RefuseBroken() {
  throw base::Error(base::ErrorCode::kInvalidImage, "The JPEG 2000 file is cut short or broken.");
}
[[noreturn]] void RefuseColour() {
  throw base::Error(base::ErrorCode::kUnsupportedImage,
                    "The JPEG 2000 file uses a colour space that is not supported.");
}

/// ISO/IEC 15444-1, table I.10, and 15444-2, table M.25.
enum Enumerated : std::uint32_t { kUnknown = 0, kCmyk = 12, kSrgb = 16, kGrey = 17, kYcc = 18, kEYcc = 24 };

struct Jp2Header {
  static constexpr int kMaxChannels = 5;

  std::uint32_t colour = kUnknown;
  std::vector<std::uint8_t> icc;
  /// Rows of `columns` samples, 0..255.
  std::vector<std::uint8_t> palette;
  int columns = 0;
  std::vector<int> palette_columns;
  int alpha = -1;
  /// Which channel is red, green and blue, or their like.
  std::array<int, 3> colours = {0, 1, 2};
  bool premultiplied = false;
};

void ReadColourBox(Cursor cursor, Jp2Header& header) {
  const int method = cursor.U8();
  cursor.U16();
  if (method == 1) {
    header.colour = cursor.U32();
  } else if (method == 2 || method == 3) {
    header.icc.assign(cursor.rest().begin(), cursor.rest().end());
  }
}

void ReadPalette(Cursor cursor, Jp2Header& header) {
  constexpr int kMaxEntries = 1024, kMaxColumns = 4;
  const int entries = cursor.U16();
  header.columns = cursor.U8();
  if (entries < 1 || entries > kMaxEntries || header.columns < 1 || header.columns > kMaxColumns) {
    RefuseBroken();
  }
  std::array<int, kMaxColumns> bits{};
  for (int i = 0; i < header.columns; ++i) bits[i] = (cursor.U8() & 0x7F) + 1;
  for (int i = 0; i < entries * header.columns; ++i) {
    const int depth = bits[i % header.columns];
    if (depth > 16) RefuseBroken();
    const int value = depth > 8 ? cursor.U16() >> (depth - 8) : cursor.U8() * 255 / ((1 << depth) - 1);
    header.palette.push_back(static_cast<std::uint8_t>(std::min(value, 255)));
  }
}

void ReadChannels(Cursor cursor, Jp2Header& header) {
  const int count = cursor.U16();
  for (int i = 0; i < count; ++i) {
    const int channel = cursor.U16(), type = cursor.U16(), colour = cursor.U16();
    if (type == 0 && channel < Jp2Header::kMaxChannels && colour >= 1 && colour <= 3) {
      header.colours[static_cast<std::size_t>(colour) - 1] = channel;
    }
    if (type != 1 && type != 2) continue;
    header.alpha = channel;
    header.premultiplied = type == 2;
  }
}

void ReadMapping(Cursor cursor, Jp2Header& header) {
  constexpr int kThroughPalette = 1;
  while (cursor.rest().size() >= 4) {
    const int component = cursor.U16(), type = cursor.U8(), column = cursor.U8();
    if (component != 0 || type != kThroughPalette) RefuseBroken();
    header.palette_columns.push_back(column);
  }
}

/// @param bytes replaced by the codestream.
Jp2Header ReadBoxes(std::span<const std::uint8_t>& bytes) {
  Jp2Header header;
  BoxReader top(bytes);
  while (const auto box = top.Next()) {
    if (box->type == FourCharacters("jp2c")) {
      bytes = box->content;
      return header;
    }
    if (box->type != FourCharacters("jp2h")) continue;
    header = {};
    bool coloured = false;
    BoxReader parts(box->content);
    while (const auto part = parts.Next()) {
      const Cursor cursor(part->content, "JPEG 2000");
      if (part->type == FourCharacters("colr") && !coloured) ReadColourBox(cursor, header);
      if (part->type == FourCharacters("colr")) coloured = true;
      if (part->type == FourCharacters("pclr") && header.columns == 0) ReadPalette(cursor, header);
      if (part->type == FourCharacters("cmap")) ReadMapping(cursor, header);
      if (part->type == FourCharacters("cdef")) ReadChannels(cursor, header);
    }
  }
  RefuseBroken();
}

struct Source {
  std::span<const std::uint8_t> bytes;
  std::size_t at = 0;
};

using Stream = std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)>;
using Codec = std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)>;
using Decoded = std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)>;

Stream OpenStream(Source& source) {
  constexpr std::size_t kChunk = 65536;
  Stream stream(opj_stream_create(kChunk, OPJ_TRUE), &opj_stream_destroy);
  if (!stream) RefuseBroken();
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), source.bytes.size());
  opj_stream_set_read_function(stream.get(), [](void* to, OPJ_SIZE_T count, void* data) -> OPJ_SIZE_T {
    auto& from = *static_cast<Source*>(data);
    const std::size_t take = std::min<std::size_t>(count, from.bytes.size() - from.at);
    if (take == 0) return static_cast<OPJ_SIZE_T>(-1);
    std::copy_n(from.bytes.data() + from.at, take, static_cast<std::uint8_t*>(to));
    from.at += take;
    return take;
  });
  opj_stream_set_skip_function(stream.get(), [](OPJ_OFF_T count, void* data) -> OPJ_OFF_T {
    auto& from = *static_cast<Source*>(data);
    if (count < 0) return -1;
    const auto take = std::min<std::size_t>(static_cast<std::size_t>(count), from.bytes.size() - from.at);
    from.at += take;
    return take == 0 && count > 0 ? -1 : static_cast<OPJ_OFF_T>(take);
  });
  opj_stream_set_seek_function(stream.get(), [](OPJ_OFF_T at, void* data) -> OPJ_BOOL {
    auto& from = *static_cast<Source*>(data);
    if (at < 0 || static_cast<std::size_t>(at) > from.bytes.size()) return OPJ_FALSE;
    from.at = static_cast<std::size_t>(at);
    return OPJ_TRUE;
  });
  return stream;
}

Decoded DecodeSamples(std::span<const std::uint8_t> bytes, std::int64_t pixels, int halvings) {
  Source source{bytes};
  const Stream stream = OpenStream(source);
  const Codec codec(opj_create_decompress(OPJ_CODEC_J2K), &opj_destroy_codec);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  parameters.cp_reduce = static_cast<OPJ_UINT32>(halvings);
  if (!codec || !opj_setup_decoder(codec.get(), &parameters)) RefuseBroken();
  opj_image_t* read = nullptr;
  const bool has_header = opj_read_header(stream.get(), codec.get(), &read) != 0;
  Decoded image(read, &opj_image_destroy);
  if (!has_header) RefuseBroken();
  BeginInOneGo(pixels);
  if (!opj_decode(codec.get(), stream.get(), read) || !opj_end_decompress(codec.get(), stream.get())) {
    RefuseBroken();
  }
  return image;
}

/// Coarser components repeat their samples.
class Channel {
 public:
  Channel(const opj_image_comp_t& component, const Jp2Header& header, int column)
      : component_(component),
        offset_(component.sgnd ? 1 << (component.prec - 1) : 0),
        most_((1 << component.prec) - 1),
        palette_(header.palette),
        columns_(header.columns),
        column_(column) {
    if (component.data == nullptr || component.w == 0 || component.h == 0) RefuseBroken();
  }

  void ReadRow(int y, int width, int height, std::vector<std::uint8_t>& to) const {
    const auto wide = static_cast<int>(component_.w), high = static_cast<int>(component_.h);
    const int row = high >= height ? y : static_cast<int>(std::int64_t{y} * high / height);
    const OPJ_INT32* const from = component_.data + std::int64_t{row} * wide;
    if (wide >= width) {
      for (int x = 0; x < width; ++x) to[x] = Sample(from[x]);
    } else {
      for (int x = 0; x < width; ++x) to[x] = Sample(from[std::int64_t{x} * wide / width]);
    }
  }

 private:
  std::uint8_t Sample(OPJ_INT32 stored) const {
    const int value = std::clamp(stored + offset_, 0, most_);
    if (columns_ > 0) {
      const int entries = static_cast<int>(palette_.size()) / columns_;
      return palette_[std::min(value, entries - 1) * columns_ + column_];
    }
    return static_cast<std::uint8_t>(most_ == 255 ? value : (std::int64_t{value} * 255 + most_ / 2) / most_);
  }

  const opj_image_comp_t& component_;
  int offset_;
  int most_;
  const std::vector<std::uint8_t>& palette_;
  int columns_;
  int column_;
};

using Rows = std::array<std::vector<std::uint8_t>, Jp2Header::kMaxChannels>;
using Convert = void (*)(const Rows& from, int x, int to[3]);

void FromRgb(const Rows& from, int x, int to[3]) {
  for (int c = 0; c < 3; ++c) to[c] = from[c][x];
}
void FromGrey(const Rows& from, int x, int to[3]) { std::fill_n(to, 3, from[0][x]); }
void FromCmyk(const Rows& from, int x, int to[3]) {
  for (int c = 0; c < 3; ++c) to[c] = ((255 - from[c][x]) * (255 - from[3][x]) + 127) / 255;
}
void FromYcc(const Rows& from, int x, int to[3]) {
  const float luma = from[0][x], blue = from[1][x] - 128.0f, red = from[2][x] - 128.0f;
  const float rgb[] = {luma + 1.402f * red, luma - 0.344136f * blue - 0.714136f * red, luma + 1.772f * blue};
  for (int c = 0; c < 3; ++c) to[c] = static_cast<int>(std::clamp(rgb[c] + 0.5f, 0.0f, 255.0f));
}

Convert ConversionOf(const Jp2Header& header, const opj_image_t& image, int colours) {
  switch (header.colour) {
    case kCmyk:
      if (colours < 4) RefuseBroken();
      return FromCmyk;
    case kYcc:
    case kEYcc:
      if (colours < 3) RefuseBroken();
      return FromYcc;
    case kUnknown:
      // A bare codestream has coarser components only for chroma.
      if (colours == 3 && header.icc.empty() && image.comps[1].dx > image.comps[0].dx) return FromYcc;
      if (colours == 4) return FromCmyk;
      break;
    case kSrgb:
    case kGrey:
      break;
    default:
      RefuseColour();
  }
  return colours >= 3 ? FromRgb : FromGrey;
}

}  // namespace

StoredPicture DecodeJpeg2000(std::span<const std::uint8_t> bytes, const Reduction& reduction) {
  constexpr std::uint8_t kCodestream = 0xFF;
  Jp2Header header;
  if (bytes[0] != kCodestream) header = ReadBoxes(bytes);
  const CodestreamHeader size = ReadCodestreamHeader(bytes);

  int halvings = 0;
  while (halvings < std::min(size.halvings, 3) && reduction.least_side > 0 &&
         ((std::max(size.width, size.height) - 1) >> (halvings + 1)) + 1 >= reduction.least_side &&
         static_cast<float>(2 << halvings) * reduction.least_scale <= 1) {
    ++halvings;
  }
  const std::int64_t pixels = std::int64_t{size.width} * size.height;
  const Decoded decoded = DecodeSamples(bytes, pixels >> (2 * halvings), halvings);
  if (decoded->numcomps != static_cast<OPJ_UINT32>(size.components)) RefuseBroken();

  const int channels = header.columns > 0 ? header.columns : size.components;
  std::vector<Channel> readers;
  readers.reserve(channels);
  for (int i = 0; i < channels; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const int column = at < header.palette_columns.size() ? header.palette_columns[at] : i;
    if (header.columns > 0 && column >= header.columns) RefuseBroken();
    readers.emplace_back(decoded->comps[header.columns > 0 ? 0 : i], header, column);
  }
  // Without a channel definition, a second or fourth channel beside RGB or grey is opacity.
  int alpha = header.alpha >= 0 && header.alpha < channels ? header.alpha : -1;
  const bool plain = header.colour == kSrgb || header.colour == kGrey;
  if (alpha < 0 && (channels == 2 || (channels == 4 && plain))) alpha = channels - 1;
  const int colours = alpha < 0 ? channels : channels - 1;
  const Convert convert = ConversionOf(header, *decoded, colours);
  std::array<int, Jp2Header::kMaxChannels> from = {0, 1, 2, 3, 4};
  if (colours == 3 && std::ranges::max(header.colours) < channels) {
    std::ranges::copy(header.colours, from.begin());
  }

  // The finest component has the image's size.
  int width = 0, height = 0;
  for (OPJ_UINT32 i = 0; i < decoded->numcomps; ++i) {
    width = std::max(width, static_cast<int>(decoded->comps[i].w));
    height = std::max(height, static_cast<int>(decoded->comps[i].h));
  }
  if (width > size.width || height > size.height) RefuseBroken();
  StoredPicture picture{
      .image = base::Image(width, height), .full_width = size.width, .full_height = size.height};
  Rows rows;
  for (auto& row : rows) row.resize(static_cast<std::size_t>(width));
  for (int y = 0; y < height; ++y) {
    base::YieldPoint();
    for (int i = 0; i < channels; ++i) readers[from[i]].ReadRow(y, width, height, rows[i]);
    std::uint8_t* to = picture.image.Row(y);
    for (int x = 0; x < width; ++x, to += base::Image::kChannels) {
      int colour[3];
      convert(rows, x, colour);
      const int share = alpha < 0 ? 255 : rows[alpha][x];
      for (int c = 0; c < base::Image::kChannels; ++c) {
        const int part = header.premultiplied ? colour[c] * 255 : colour[c] * share;
        to[c] = static_cast<std::uint8_t>(std::min((part + 255 * (255 - share) + 127) / 255, 255));
      }
    }
  }
  picture.colour.icc = std::move(header.icc);
  return picture;
}

}  // namespace visage::decode
