#include <libde265/de265.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "decode/boxes.h"
#include "decode/codec.h"
#include "decode/video.h"

namespace visage::decode {
namespace {

/// Of ITU-T H.265, table 7-1.
enum NalUnit { kLastSlice = 21, kVideoParameters = 32, kPictureParameters = 34 };

/// A coding block exceeds the image's edge by less than this.
constexpr int kLargestBlock = 64;
constexpr int kMaxParameterSets = 64;

[[noreturn]] void RefuseBroken() {
  throw base::Error(base::ErrorCode::kInvalidImage, "The HEIC file is cut short or broken.");
}

class HevcReader {
 public:
  HevcReader(const CodedPicture& coded, PixelBudget& budget)
      : coded_(coded), budget_(budget), decoder_(de265_new_decoder()) {
    if (!decoder_) RefuseBroken();
    de265_image_allocation allocation = {
        .get_buffer =
            [](de265_decoder_context* decoder, de265_image_spec* spec, de265_image* image, void* self) {
              return static_cast<HevcReader*>(self)->Allocate(decoder, spec, image) ? 1 : 0;
            },
        .release_buffer =
            [](de265_decoder_context* decoder, de265_image* image, void*) {
              de265_get_default_image_allocation_functions()->release_buffer(decoder, image, nullptr);
            }};
    de265_set_image_allocation_functions(decoder_.get(), &allocation, this);
  }

  void Decode(const PictureSink& sink) {
    BeginInOneGo(std::int64_t{coded_.width} * coded_.height);
    PushConfiguration();
    PushPicture();
    de265_flush_data(decoder_.get());
    Run();
    const de265_image* const image = de265_get_next_picture(decoder_.get());
    if (image == nullptr) RefuseBroken();
    sink(View(image));
  }

 private:
  struct Free {
    void operator()(de265_decoder_context* decoder) const { de265_free_decoder(decoder); }
  };

  bool Allocate(de265_decoder_context* decoder, de265_image_spec* spec, de265_image* image) {
    // An item holds one image; more would cost much time for few bytes.
    if (allocated_ || spec->width > coded_.width + kLargestBlock ||
        spec->height > coded_.height + kLargestBlock) {
      return false;
    }
    allocated_ = true;
    if (de265_get_default_image_allocation_functions()->get_buffer(decoder, spec, image, nullptr) == 0) {
      return false;
    }
    // Parts without a slice must not show former memory.
    for (int plane = 0; plane < (spec->format == de265_image_format_mono8 ? 1 : 3); ++plane) {
      int stride = 0;
      const std::uint8_t* const samples = de265_get_image_plane(image, plane, &stride);
      const bool half = plane > 0 && spec->format == de265_image_format_YUV420P8;
      const std::size_t rows = half ? (spec->height + 1) / 2 : spec->height;
      if (samples != nullptr) std::memset(const_cast<std::uint8_t*>(samples), 0, rows * stride);
    }
    return true;
  }

  void PushConfiguration() {
    constexpr std::size_t kFixedPart = 21;
    Cursor cursor(coded_.configuration, "HEIC");
    cursor.Take(kFixedPart);
    length_bytes_ = (cursor.U8() & 3) + 1;
    const int arrays = cursor.U8();
    for (int i = 0; i < arrays; ++i) {
      cursor.U8();
      const int count = cursor.U16();
      for (int k = 0; k < count; ++k) Push(cursor.Take(cursor.U16()));
    }
  }

  void PushPicture() {
    Cursor cursor(coded_.data, "HEIC");
    while (!cursor.rest().empty()) {
      const auto length = static_cast<std::size_t>(cursor.Number(length_bytes_));
      Push(cursor.Take(length));
    }
  }

  void Push(std::span<const std::uint8_t> unit) {
    constexpr std::size_t kHead = 2;
    if (unit.size() <= kHead) return;
    const int type = unit[0] >> 1 & 0x3F;
    const int layer = (unit[0] & 1) << 5 | unit[1] >> 3;
    if (layer != 0) return;
    if (type <= kLastSlice) {
      // Slices may overlap, and each costs up to the whole image.
      budget_.Take(std::int64_t{coded_.width} * coded_.height);
      const bool starts_picture = (unit[kHead] & 0x80) != 0;
      if (starts_picture && started_) RefuseBroken();
      started_ = started_ || starts_picture;
    } else if (type < kVideoParameters || type > kPictureParameters ||
               ++parameter_sets_ > kMaxParameterSets) {
      return;
    }
    de265_push_NAL(decoder_.get(), unit.data(), static_cast<int>(unit.size()), 0, nullptr);
    Run();
  }

  void Run() {
    for (int more = 1; more != 0 && de265_peek_next_picture(decoder_.get()) == nullptr;) {
      more = 0;
      const de265_error error = de265_decode(decoder_.get(), &more);
      if (error == DE265_ERROR_WAITING_FOR_INPUT_DATA) break;
      if (!de265_isOK(error)) RefuseBroken();
    }
    // libde265 conceals errors, also with uninitialised memory.
    if (de265_get_warning(decoder_.get()) != DE265_OK) RefuseBroken();
  }

  YuvPicture View(const de265_image* image) const {
    const de265_chroma chroma = de265_get_chroma_format(image);
    YuvPicture picture = {.width = de265_get_image_width(image, 0),
                          .height = de265_get_image_height(image, 0),
                          .bits = de265_get_bits_per_pixel(image, 0),
                          .has_chroma = chroma != de265_chroma_mono,
                          .half_width = chroma == de265_chroma_420 || chroma == de265_chroma_422,
                          .half_height = chroma == de265_chroma_420,
                          .cicp = {.primaries = de265_get_image_colour_primaries(image),
                                   .transfer = de265_get_image_transfer_characteristics(image),
                                   .matrix = de265_get_image_matrix_coefficients(image),
                                   .full_range = de265_get_image_full_range_flag(image) != 0}};
    for (int plane = 0; plane < (picture.has_chroma ? 3 : 1); ++plane) {
      int stride = 0;
      picture.planes[plane] = de265_get_image_plane(image, plane, &stride);
      picture.strides[plane] = stride;
      if (picture.planes[plane] == nullptr || de265_get_bits_per_pixel(image, plane) != picture.bits) {
        throw base::Error(base::ErrorCode::kUnsupportedImage,
                          "The HEIC file has luma and chroma of different depths, which is not supported.");
      }
    }
    return picture;
  }

  const CodedPicture& coded_;
  PixelBudget& budget_;
  std::unique_ptr<de265_decoder_context, Free> decoder_;
  std::size_t length_bytes_ = 4;
  int parameter_sets_ = 0;
  bool started_ = false;
  bool allocated_ = false;
};

}  // namespace

void DecodeHevc(const CodedPicture& coded, PixelBudget& budget, const PictureSink& sink) {
  HevcReader(coded, budget).Decode(sink);
}

}  // namespace visage::decode
