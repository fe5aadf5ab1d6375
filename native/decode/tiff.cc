#include <tiffio.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/yield.h"
#include "decode/codec.h"
#include "decode/inks.h"
#include "decode/jpeg_scans.h"

namespace visage::decode {
namespace {

/// A tile of the largest image, four bytes a pixel, or its table of tiles.
constexpr tmsize_t kMaxAllocation = 4 * ImageLimits::kMaxPixels + 1'000'000;
/// Of tiles or strips, each at least this many pixels on average.
constexpr std::int64_t kLeastTilePixels = 16;
constexpr int kBandRows = 64;
constexpr std::uint64_t kMaxReads = 4;

[[noreturn]] void RefuseBroken() {
  throw base::Error(base::ErrorCode::kInvalidImage, "The TIFF file is cut short or broken.");
}
[[noreturn]] void RefuseUnsupported(const std::string& what) {
  throw base::Error(base::ErrorCode::kUnsupportedImage,
                    "The TIFF file uses " + what + ", which is not supported.");
}

struct Source {
  std::span<const std::uint8_t> bytes;
  std::uint64_t at = 0;
};

Source& From(thandle_t handle) { return *static_cast<Source*>(handle); }

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using Tiff = std::unique_ptr<TIFF, CloseTiff>;

Tiff Open(Source& source) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxAllocation);
  const auto silent = [](TIFF*, void*, const char*, const char*, va_list) { return 1; };
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), silent, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), silent, nullptr);
  return Tiff(TIFFClientOpenExt(
      "", "rmO", &source,
      [](thandle_t handle, void* to, tmsize_t count) -> tmsize_t {
        Source& from = From(handle);
        if (from.at >= from.bytes.size() || count <= 0) return 0;
        const auto take =
            std::min<std::uint64_t>(static_cast<std::uint64_t>(count), from.bytes.size() - from.at);
        std::memcpy(to, from.bytes.data() + from.at, take);
        from.at += take;
        return static_cast<tmsize_t>(take);
      },
      [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; },
      [](thandle_t handle, toff_t offset, int whence) -> toff_t {
        Source& from = From(handle);
        const toff_t start = whence == SEEK_CUR ? from.at : whence == SEEK_END ? from.bytes.size() : 0;
        return from.at = start + offset;
      },
      [](thandle_t) { return 0; }, [](thandle_t handle) -> toff_t { return From(handle).bytes.size(); },
      [](thandle_t, void**, toff_t*) { return 0; }, [](thandle_t, void*, toff_t) {}, options.get()));
}

/// Other codings have few users, or decoders with a poor record.
std::uint16_t CheckCompression(TIFF* tiff) {
  std::uint16_t compression = COMPRESSION_NONE;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_JPEG:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_ZSTD:
    case COMPRESSION_WEBP:
      if (TIFFIsCODECConfigured(compression)) return compression;
      break;
    default:
      break;
  }
  RefuseUnsupported("compression " + std::to_string(compression));
}

void CheckScans(TIFF* tiff, std::span<const std::uint8_t> bytes, std::int64_t pixels) {
  const std::uint32_t count = TIFFIsTiled(tiff) ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  std::uint64_t readable = kMaxReads * bytes.size();
  std::int64_t scanned = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t offset = std::min<std::uint64_t>(TIFFGetStrileOffset(tiff, i), bytes.size());
    const std::uint64_t length = std::min(TIFFGetStrileByteCount(tiff, i), bytes.size() - offset);
    if (length > readable) RefuseBroken();
    readable -= length;
    const int scans = FindJpegScans(bytes.subspan(offset, length)).count;
    scanned += pixels * scans;
    if (scans > kMaxJpegScans || scanned > kMaxScannedPixels) {
      throw base::Error(base::ErrorCode::kImageTooLarge,
                        "The JPEG data of the TIFF file has too many scans for its size.");
    }
  }
}

struct TileSize {
  std::int64_t rows = 0;
  std::int64_t pixels = 0;
};

TileSize CheckTiles(TIFF* tiff, std::int64_t width, std::int64_t height) {
  std::uint32_t tile_width = static_cast<std::uint32_t>(width), tile_height = 0;
  if (TIFFIsTiled(tiff)) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &tile_height);
    tile_height = static_cast<std::uint32_t>(std::min<std::int64_t>(tile_height, height));
  }
  const std::int64_t pixels = std::int64_t{tile_width} * tile_height;
  if (pixels < kLeastTilePixels && pixels < width * height) RefuseBroken();
  if (tile_width > ImageLimits::kMaxSide || tile_height > ImageLimits::kMaxSide ||
      pixels > ImageLimits::kMaxPixels) {
    throw base::Error(base::ErrorCode::kImageTooLarge, "A tile of the TIFF file is too large.");
  }
  return {.rows = tile_height, .pixels = pixels};
}

/// libtiff's conversion to RGBA with premultiplied opacity.
class RgbaReader {
 public:
  explicit RgbaReader(TIFF* tiff) {
    char why[1024] = "";
    if (!TIFFRGBAImageOK(tiff, why)) RefuseUnsupported("a pixel format");
    if (!TIFFRGBAImageBegin(&image_, tiff, 1, why)) RefuseBroken();
    image_.req_orientation = image_.orientation;
    if (image_.photometric == PHOTOMETRIC_SEPARATED && image_.bitspersample == 8) KeepInks();
  }
  ~RgbaReader() { TIFFRGBAImageEnd(&image_); }
  RgbaReader(const RgbaReader&) = delete;
  RgbaReader& operator=(const RgbaReader&) = delete;

  void Read(base::Image& to, int band_rows, std::span<const std::uint8_t> icc) {
    const InkConverter converter(icc);
    std::vector<std::uint32_t> band(static_cast<std::size_t>(to.width()) * band_rows);
    for (int top = 0; top < to.height(); top += band_rows) {
      base::YieldPoint();
      const int rows = std::min(band_rows, to.height() - top);
      image_.row_offset = top;
      if (!TIFFRGBAImageGet(&image_, band.data(), static_cast<std::uint32_t>(to.width()),
                            static_cast<std::uint32_t>(rows))) {
        RefuseBroken();
      }
      for (int y = 0; y < rows; ++y) {
        const std::uint32_t* const row = band.data() + static_cast<std::ptrdiff_t>(y) * to.width();
        if (has_inks_) {
          converter.Convert(reinterpret_cast<const std::uint8_t*>(row), to.Row(top + y), to.width());
        } else {
          BlendWithWhite(row, to.width(), to.Row(top + y));
        }
      }
    }
  }

 private:
  static void BlendWithWhite(const std::uint32_t* from, int width, std::uint8_t* to) {
    for (int x = 0; x < width; ++x, to += base::Image::kChannels) {
      const std::uint32_t white = 255 - TIFFGetA(from[x]);
      to[0] = static_cast<std::uint8_t>(std::min<std::uint32_t>(TIFFGetR(from[x]) + white, 255));
      to[1] = static_cast<std::uint8_t>(std::min<std::uint32_t>(TIFFGetG(from[x]) + white, 255));
      to[2] = static_cast<std::uint8_t>(std::min<std::uint32_t>(TIFFGetB(from[x]) + white, 255));
    }
  }

  /// libtiff would convert inks without their profile.
  void KeepInks() {
    has_inks_ = true;
    if (image_.isContig) {
      image_.put.contig = [](TIFFRGBAImage* image, std::uint32_t* to, std::uint32_t, std::uint32_t,
                             std::uint32_t width, std::uint32_t rows, std::int32_t from_skew,
                             std::int32_t to_skew, std::uint8_t* from) {
        const std::ptrdiff_t samples = image->samplesperpixel;
        for (; rows > 0; --rows, to += to_skew, from += from_skew * samples) {
          for (std::uint32_t x = 0; x < width; ++x, from += samples) {
            *to++ = Inverted(from[0], from[1], from[2], from[3]);
          }
        }
      };
    } else {
      image_.put.separate = [](TIFFRGBAImage*, std::uint32_t* to, std::uint32_t, std::uint32_t,
                               std::uint32_t width, std::uint32_t rows, std::int32_t from_skew,
                               std::int32_t to_skew, std::uint8_t* c, std::uint8_t* m, std::uint8_t* y,
                               std::uint8_t* k) {
        for (; rows > 0;
             --rows, to += to_skew, c += from_skew, m += from_skew, y += from_skew, k += from_skew) {
          for (std::uint32_t x = 0; x < width; ++x) *to++ = Inverted(*c++, *m++, *y++, *k++);
        }
      };
    }
  }

  static std::uint32_t Inverted(std::uint8_t c, std::uint8_t m, std::uint8_t y, std::uint8_t k) {
    const std::array<std::uint8_t, InkConverter::kInks> inks = {c, m, y, k};
    return ~std::bit_cast<std::uint32_t>(inks);
  }

  TIFFRGBAImage image_{};
  bool has_inks_ = false;
};

}  // namespace

StoredPicture DecodeTiff(std::span<const std::uint8_t> bytes) {
  Source source{bytes};
  const Tiff tiff = Open(source);
  if (!tiff) RefuseBroken();
  std::uint32_t width = 0, height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  if (width == 0 || height == 0) RefuseBroken();
  CheckSize(width, height);
  const std::uint16_t compression = CheckCompression(tiff.get());
  const auto [tile_rows, tile_pixels] = CheckTiles(tiff.get(), width, height);
  if (compression == COMPRESSION_JPEG) CheckScans(tiff.get(), bytes, tile_pixels);

  StoredPicture picture;
  picture.image = base::Image(static_cast<int>(width), static_cast<int>(height));
  picture.full_width = picture.image.width();
  picture.full_height = picture.image.height();
  std::uint16_t orientation = 1;
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_ORIENTATION, &orientation);
  picture.orientation = orientation;
  std::uint32_t profile_bytes = 0;
  void* profile = nullptr;
  if (TIFFGetField(tiff.get(), TIFFTAG_ICCPROFILE, &profile_bytes, &profile)) {
    const auto* const from = static_cast<const std::uint8_t*>(profile);
    picture.colour.icc.assign(from, from + profile_bytes);
  }
  // Whole tiles, so none is decoded twice.
  const std::int64_t tiles = (kBandRows + tile_rows - 1) / tile_rows;
  RgbaReader(tiff.get())
      .Read(picture.image, static_cast<int>(std::min<std::int64_t>(tiles * tile_rows, height)),
            picture.colour.icc);
  return picture;
}

}  // namespace visage::decode
