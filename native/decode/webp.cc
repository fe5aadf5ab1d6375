#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "decode/bytes.h"
#include "decode/codec.h"
#include "decode/exif.h"

namespace visage::decode {
namespace {

constexpr int kAlphaChannels = 4;

[[noreturn]] void Refuse(const std::string& why) { throw base::Error(base::ErrorCode::kInvalidImage, why); }

void DecodeInto(const WebPIterator& frame, WEBP_CSP_MODE mode, std::span<std::uint8_t> to, int stride) {
  const std::unique_ptr<WebPIDecoder, decltype(&WebPIDelete)> decoder(
      WebPINewRGB(mode, to.data(), to.size(), stride), &WebPIDelete);
  // Also for a frame without pixels.
  if (!decoder) Refuse("The WebP file is broken.");
  BeginInOneGo(std::int64_t{frame.width} * frame.height);
  const VP8StatusCode status = WebPIUpdate(decoder.get(), frame.fragment.bytes, frame.fragment.size);
  if (status == VP8_STATUS_OK) return;
  if (status != VP8_STATUS_SUSPENDED) Refuse("The WebP file is broken.");
  int rows = 0;
  if (WebPIDecGetRGB(decoder.get(), &rows, nullptr, nullptr, nullptr) == nullptr) rows = 0;
  Refuse("The WebP file is cut short: " + std::to_string(rows) + " of " + std::to_string(frame.height) +
         " rows are there.");
}

void DecodeOpaque(const WebPIterator& frame, base::Image& canvas) {
  std::uint8_t* const to = canvas.Row(frame.y_offset) + frame.x_offset * base::Image::kChannels;
  const std::uint8_t* const end = canvas.data() + canvas.size_bytes();
  DecodeInto(frame, MODE_RGB, {to, end}, static_cast<int>(canvas.stride()));
}

void DecodeOverWhite(const WebPIterator& frame, base::Image& canvas) {
  const std::size_t stride = static_cast<std::size_t>(frame.width) * kAlphaChannels;
  const std::size_t size = stride * static_cast<std::size_t>(frame.height);
  const auto pixels = std::make_unique_for_overwrite<std::uint8_t[]>(size);
  DecodeInto(frame, MODE_RGBA, {pixels.get(), size}, static_cast<int>(stride));
  for (int y = 0; y < frame.height; ++y) {
    const std::uint8_t* from = pixels.get() + y * stride;
    std::uint8_t* to = canvas.Row(frame.y_offset + y) + frame.x_offset * base::Image::kChannels;
    for (int x = 0; x < frame.width; ++x, from += kAlphaChannels, to += base::Image::kChannels) {
      const int alpha = from[3];
      for (int c = 0; c < base::Image::kChannels; ++c) {
        to[c] = static_cast<std::uint8_t>((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
      }
    }
  }
}

int FindOrientation(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk;
  if (!WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) return 1;
  const int orientation = ReadExifOrientation({chunk.chunk.bytes, chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

std::vector<std::uint8_t> FindProfile(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk;
  if (!WebPDemuxGetChunk(demuxer, "ICCP", 1, &chunk)) return {};
  std::vector<std::uint8_t> profile(chunk.chunk.bytes, chunk.chunk.bytes + chunk.chunk.size);
  WebPDemuxReleaseChunkIterator(&chunk);
  return profile;
}

/// libwebp refuses a file with a chunk that passes its end.
std::span<const std::uint8_t> WithoutOverlongChunk(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kFileHeadBytes = 12, kChunkHeadBytes = 8;
  const ByteReader reader(bytes, ByteOrder::kLittle);
  std::size_t chunk = kFileHeadBytes;
  while (reader.Holds(chunk, kChunkHeadBytes)) {
    const std::string_view name(reinterpret_cast<const char*>(bytes.data()) + chunk, 4);
    const std::size_t length = *reader.U32(chunk + 4);
    const bool is_metadata = name == "EXIF" || name == "XMP ";
    if (!reader.Holds(chunk, kChunkHeadBytes + length)) return is_metadata ? bytes.first(chunk) : bytes;
    chunk += kChunkHeadBytes + length + length % 2;
  }
  return bytes;
}

}  // namespace

StoredPicture DecodeWebp(std::span<const std::uint8_t> bytes) {
  bytes = WithoutOverlongChunk(bytes);
  WebPBitstreamFeatures header;
  switch (WebPGetFeatures(bytes.data(), bytes.size(), &header)) {
    case VP8_STATUS_OK:
      break;
    case VP8_STATUS_NOT_ENOUGH_DATA:
      Refuse("The WebP file is cut short.");
    default:
      Refuse("The WebP file is broken.");
  }
  CheckSize(header.width, header.height);

  const WebPData data{bytes.data(), bytes.size()};
  WebPDemuxState state;
  // WebPDemux() refuses a file shorter than its RIFF header states.
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer(WebPDemuxPartial(&data, &state),
                                                                         &WebPDemuxDelete);
  if (!demuxer || state < WEBP_DEMUX_PARSED_HEADER) Refuse("The WebP file is cut short or broken.");
  const auto width = static_cast<int>(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH));
  const auto height = static_cast<int>(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT));
  CheckSize(width, height);

  WebPIterator frame;
  if (!WebPDemuxGetFrame(demuxer.get(), 1, &frame)) {
    Refuse(state == WEBP_DEMUX_DONE ? "The WebP file contains no image." : "The WebP file is cut short.");
  }
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> release(&frame,
                                                                                   &WebPDemuxReleaseIterator);
  if (frame.x_offset < 0 || frame.y_offset < 0 || frame.width > width - frame.x_offset ||
      frame.height > height - frame.y_offset) {
    Refuse("The first frame of the WebP file lies outside its canvas.");
  }

  StoredPicture picture{.image = base::Image(width, height), .full_width = width, .full_height = height};
  if (frame.width != width || frame.height != height) {
    std::fill_n(picture.image.data(), picture.image.size_bytes(), std::uint8_t{255});
  }
  if (frame.has_alpha) {
    DecodeOverWhite(frame, picture.image);
  } else {
    DecodeOpaque(frame, picture.image);
  }
  picture.orientation = FindOrientation(demuxer.get());
  picture.colour.icc = FindProfile(demuxer.get());
  return picture;
}

}  // namespace visage::decode
