#include <png.h>
#include <zlib.h>

#include <array>
#include <csetjmp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/yield.h"
#include "decode/bytes.h"
#include "decode/codec.h"
#include "decode/decode.h"
#include "decode/exif.h"
#include "decode/profiles.h"

namespace visage::decode {
namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kChunkHeadBytes = 8;
constexpr std::size_t kChunkFrameBytes = 12;
/// libpng holds only PLTE and tRNS in memory.
constexpr png_alloc_size_t kMaxChunkBytes = 65536;

[[noreturn]] void RefuseBroken() {
  throw base::Error(base::ErrorCode::kInvalidImage, "The PNG file is broken.");
}

std::string_view ChunkName(std::span<const std::uint8_t> bytes, std::size_t chunk) {
  return {reinterpret_cast<const char*>(bytes.data()) + chunk + 4, 4};
}

base::Image MakeImage(std::span<const std::uint8_t> bytes) {
  const ByteReader reader(bytes, ByteOrder::kBig);
  const auto width = reader.U32(kSignatureBytes + kChunkHeadBytes);
  const auto height = reader.U32(kSignatureBytes + kChunkHeadBytes + 4);
  if (!width || !height) throw base::Error(base::ErrorCode::kInvalidImage, "The PNG file is cut short.");
  if (ChunkName(bytes, kSignatureBytes) != "IHDR") RefuseBroken();
  CheckSize(*width, *height);
  return base::Image(static_cast<int>(*width), static_cast<int>(*height));
}

/// eXIf may follow the pixels.
int FindOrientation(std::span<const std::uint8_t> bytes) {
  const ByteReader reader(bytes, ByteOrder::kBig);
  std::size_t chunk = kSignatureBytes;
  while (reader.Holds(chunk, kChunkFrameBytes)) {
    const std::size_t length = *reader.U32(chunk);
    if (!reader.Holds(chunk, kChunkFrameBytes + length)) break;
    if (ChunkName(bytes, chunk) == "eXIf") {
      return ReadExifOrientation(bytes.subspan(chunk + kChunkHeadBytes, length));
    }
    chunk += kChunkFrameBytes + length;
  }
  return 1;
}

/// Whether the checksum of all pixels is right, so those of chunks are needless.
bool HasSoundPixels(std::span<const std::uint8_t> bytes, const base::Image& image) {
  constexpr std::uint64_t kMostPixelBytes = 8;
  const std::uint64_t most = kMostPixelBytes * image.size_bytes();
  const ByteReader reader(bytes, ByteOrder::kBig);
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return false;
  std::array<std::uint8_t, 1 << 15> unused;
  int status = Z_OK;
  std::size_t chunk = kSignatureBytes;
  while (status == Z_OK && reader.Holds(chunk, kChunkFrameBytes)) {
    const std::size_t length = *reader.U32(chunk);
    if (!reader.Holds(chunk, kChunkFrameBytes + length)) break;
    if (ChunkName(bytes, chunk) == "IDAT") {
      // zlib only reads the bytes.
      stream.next_in = const_cast<Bytef*>(bytes.data()) + chunk + kChunkHeadBytes;
      stream.avail_in = static_cast<uInt>(length);
      while (status == Z_OK && stream.avail_in > 0 && stream.total_out <= most) {
        base::YieldPoint();
        stream.next_out = unused.data();
        stream.avail_out = unused.size();
        status = inflate(&stream, Z_NO_FLUSH);
      }
      if (stream.avail_in > 0) break;
    }
    chunk += kChunkFrameBytes + length;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END;
}

/// libpng's push reader stops after the last row, where the pull reader unpacks possibly gigabytes.
///
/// All libpng calls are inside Run(), whose body has no destructors, since errors jump out.
class PngReader {
 public:
  PngReader(base::Image& image, bool checks_chunks) : image_(image), checks_chunks_(checks_chunks) {}

  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  /// Ignores errors behind the last row, except in the checksum of its chunk.
  /// @returns false for a wrong checksum of pixels.
  bool Decode(std::span<const std::uint8_t> bytes) {
    Run([&] {
      Open();
      // libpng only reads the bytes.
      png_process_data(png_, info_, const_cast<png_bytep>(bytes.data()), bytes.size());
    });
    if (damaged_) return false;
    if (!filled_) RefuseShort();
    return true;
  }

 private:
  static PngReader* Self(png_structp png) { return static_cast<PngReader*>(png_get_progressive_ptr(png)); }

  [[noreturn]] void Jump() { std::longjmp(jump_, 1); }

  template <typename Body>
  void Run(Body body) {
    if (setjmp(jump_) != 0) {
      if (filled_ || damaged_) return;
      if (short_) RefuseShort();
      RefuseBroken();
    }
    body();
  }

  [[noreturn]] void RefuseShort() const {
    throw base::Error(base::ErrorCode::kInvalidImage, "The PNG file is cut short: " + std::to_string(rows_) +
                                                          " of " + std::to_string(image_.height()) +
                                                          " rows are there.");
  }

  void Open() {
    png_ = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp png, png_const_charp why) {
          auto* const self = static_cast<PngReader*>(png_get_error_ptr(png));
          self->short_ = std::string_view(why) == "Not enough compressed data";
          self->damaged_ = std::string_view(why) == "IDAT: CRC error";
          self->Jump();
        },
        [](png_structp, png_const_charp) {});
    if (png_ == nullptr) Jump();
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) Jump();
    png_set_user_limits(png_, ImageLimits::kMaxSide, ImageLimits::kMaxSide);
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    // Chunks have separate checksums. Some encoders write a wrong checksum or window size for all data.
    png_set_option(png_, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
    png_set_option(png_, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    if (!checks_chunks_) png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_DEFAULT);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_progressive_read_fn(
        png_, this, [](png_structp png, png_infop) { Self(png)->Start(); },
        [](png_structp png, png_bytep row, png_uint_32 y, int pass) { Self(png)->TakeRow(row, y, pass); },
        nullptr);
  }

  void Start() {
    AskForRgb();
    last_pass_ = png_set_interlace_handling(png_) - 1;
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != static_cast<std::size_t>(image_.stride())) Jump();
  }

  /// @param row null if this pass adds nothing.
  void TakeRow(png_bytep row, png_uint_32 y, int pass) {
    base::YieldPoint();
    const int at = static_cast<int>(y);
    if (row != nullptr) png_progressive_combine_row(png_, image_.Row(at), row);
    if (pass == last_pass_) rows_ = at + 1;
    filled_ = rows_ == image_.height();
  }

  void AskForRgb() {
    const int depth = png_get_bit_depth(png_, info_);
    const int type = png_get_color_type(png_, info_);
    png_set_expand(png_);
    if (depth == 16) png_set_scale_16(png_);
    if ((type & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png_);
    if ((type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png_, info_, PNG_INFO_tRNS) != 0) {
      // White, in the bit depth at which libpng blends alpha.
      const auto full = static_cast<png_uint_16>(depth == 16 ? 0xFFFF : 0xFF);
      png_color_16 white{.index = 0, .red = full, .green = full, .blue = full, .gray = full};
      png_set_background(png_, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    }
  }

  base::Image& image_;
  bool checks_chunks_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf jump_;
  int last_pass_ = 0;
  int rows_ = 0;
  bool filled_ = false;
  bool short_ = false;
  bool damaged_ = false;
};

}  // namespace

StoredPicture DecodePng(std::span<const std::uint8_t> bytes) {
  StoredPicture picture;
  picture.image = MakeImage(bytes);
  picture.orientation = FindOrientation(bytes);
  picture.colour = FindPngColour(bytes);
  picture.full_width = picture.image.width();
  picture.full_height = picture.image.height();
  if (!PngReader(picture.image, true).Decode(bytes)) {
    if (!HasSoundPixels(bytes, picture.image)) RefuseBroken();
    PngReader(picture.image, false).Decode(bytes);
  }
  return picture;
}

}  // namespace visage::decode
