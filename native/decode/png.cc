#include <png.h>

#include <csetjmp>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "decode/bytes.h"
#include "decode/codec.h"
#include "decode/decode.h"
#include "decode/exif.h"

namespace visage {
namespace {

constexpr std::size_t kSignatureBytes = 8;
/// Length, name and CRC around a chunk's content.
constexpr std::size_t kChunkHeadBytes = 8;
constexpr std::size_t kChunkFrameBytes = 12;
/// Palette and tRNS are the only chunks held in memory; both are far smaller.
constexpr png_alloc_size_t kMaxChunkBytes = 65536;

std::string_view ChunkName(std::span<const std::uint8_t> bytes, std::size_t chunk) {
  return {reinterpret_cast<const char*>(bytes.data()) + chunk + 4, 4};
}

void CheckHeader(std::span<const std::uint8_t> bytes) {
  const ByteReader reader(bytes, ByteOrder::kBig);
  const auto width = reader.U32(kSignatureBytes + kChunkHeadBytes);
  const auto height = reader.U32(kSignatureBytes + kChunkHeadBytes + 4);
  if (!width || !height) throw Error(ErrorCode::kInvalidImage, "The PNG file is cut short.");
  if (ChunkName(bytes, kSignatureBytes) != "IHDR") {
    throw Error(ErrorCode::kInvalidImage, "The PNG file does not begin with its header.");
  }
  CheckSize(*width, *height);
}

/// Looks for the eXIf chunk, which may stand before or after the pixels.
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

/// libpng's reader. The library reports errors by a callback that may not return, so every call into it is
/// made inside Run(), whose body holds nothing that needs a destructor.
class PngReader {
 public:
  /// `bytes` must outlive the reader.
  explicit PngReader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  Image Decode() {
    Run([&] { ReadHeader(); });
    Image image(static_cast<int>(png_get_image_width(png_, info_)),
                static_cast<int>(png_get_image_height(png_, info_)));
    Run([&] {
      if (png_get_rowbytes(png_, info_) != static_cast<std::size_t>(image.stride())) {
        png_error(png_, "unexpected row size");
      }
      for (int pass = 0; pass < passes_; ++pass) {
        for (int y = 0; y < image.height(); ++y) png_read_row(png_, image.Row(y), nullptr);
      }
      png_read_end(png_, nullptr);
    });
    return image;
  }

 private:
  [[noreturn]] void Jump() { std::longjmp(jump_, 1); }

  template <typename Body>
  void Run(Body body) {
    if (setjmp(jump_) != 0) {
      throw Error(ErrorCode::kInvalidImage,
                  cut_short_ ? "The PNG file is cut short." : "The PNG file is broken.");
    }
    body();
  }

  static void Read(png_structp png, png_bytep to, std::size_t count) {
    auto* const self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self->rest_.size()) {
      self->cut_short_ = true;
      self->Jump();
    }
    std::memcpy(to, self->rest_.data(), count);
    self->rest_ = self->rest_.subspan(count);
  }

  void ReadHeader() {
    png_ = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp png, png_const_charp) { static_cast<PngReader*>(png_get_error_ptr(png))->Jump(); },
        [](png_structp, png_const_charp) {});
    if (png_ == nullptr) Jump();
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) Jump();
    png_set_read_fn(png_, this, Read);
    png_set_user_limits(png_, ImageLimits::kMaxSide, ImageLimits::kMaxSide);
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    // Every chunk that pixels do not need is passed over: no profile or text is unpacked, no gamma applied.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
    AskForRgb();
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  void AskForRgb() {
    const int depth = png_get_bit_depth(png_, info_);
    const int type = png_get_color_type(png_, info_);
    png_set_expand(png_);
    if (depth == 16) png_set_scale_16(png_);
    if ((type & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png_);
    if ((type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png_, info_, PNG_INFO_tRNS) != 0) {
      // White, in the depth in which libpng lays alpha over it: after palettes and small depths are expanded.
      const auto full = static_cast<png_uint_16>(depth == 16 ? 0xFFFF : 0xFF);
      png_color_16 white{.index = 0, .red = full, .green = full, .blue = full, .gray = full};
      png_set_background(png_, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    }
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::span<const std::uint8_t> rest_;
  std::jmp_buf jump_;
  int passes_ = 1;
  bool cut_short_ = false;
};

}  // namespace

StoredPicture DecodePng(std::span<const std::uint8_t> bytes) {
  CheckHeader(bytes);
  StoredPicture picture;
  picture.image = PngReader(bytes).Decode();
  picture.full_width = picture.image.width();
  picture.full_height = picture.image.height();
  picture.orientation = FindOrientation(bytes);
  return picture;
}

}  // namespace visage
