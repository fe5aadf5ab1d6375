#include "thumbnail/thumbnail.h"

#include <csetjmp>
#include <cstdio>
#include <memory>

// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

#include "base/error.h"
#include "base/image.h"

namespace visage::thumbnail {
namespace {

constexpr int kSide = 224;

/// docs/experiments.md compares qualities.
constexpr int kQuality = 90;

/// A block of 64 coefficients takes up to 208 bytes, doubled by stuffing. Chroma has half of luma's blocks.
constexpr std::size_t kMaxBytes = std::size_t{kSide} * kSide / 64 * 3 / 2 * 416 + 4096;

/// All libjpeg calls are inside Run(), whose body has no destructors, since errors jump out.
class JpegWriter {
 public:
  JpegWriter() : bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(kMaxBytes)) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr info) { Self(info)->Jump(); };
    errors_.output_message = [](j_common_ptr) {};
    info_.client_data = this;
    target_.next_output_byte = bytes_.get();
    target_.free_in_buffer = kMaxBytes;
    target_.init_destination = [](j_compress_ptr) {};
    target_.empty_output_buffer = [](j_compress_ptr info) -> boolean {
      Self(reinterpret_cast<j_common_ptr>(info))->Jump();
    };
    target_.term_destination = [](j_compress_ptr) {};
  }

  ~JpegWriter() { jpeg_destroy_compress(&info_); }

  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  std::vector<std::uint8_t> Encode(const base::ImageView& image) {
    Run([&] {
      jpeg_create_compress(&info_);
      info_.dest = &target_;
      info_.image_width = static_cast<JDIMENSION>(image.width);
      info_.image_height = static_cast<JDIMENSION>(image.height);
      info_.input_components = base::Image::kChannels;
      info_.in_color_space = JCS_RGB;
      jpeg_set_defaults(&info_);
      jpeg_set_quality(&info_, kQuality, TRUE);
      info_.optimize_coding = TRUE;
      jpeg_start_compress(&info_, TRUE);
      while (info_.next_scanline < info_.image_height) {
        // libjpeg only reads the row.
        auto* row = const_cast<JSAMPROW>(image.Row(static_cast<int>(info_.next_scanline)));
        jpeg_write_scanlines(&info_, &row, 1);
      }
      jpeg_finish_compress(&info_);
    });
    return {bytes_.get(), bytes_.get() + (kMaxBytes - target_.free_in_buffer)};
  }

 private:
  static JpegWriter* Self(j_common_ptr info) { return static_cast<JpegWriter*>(info->client_data); }

  [[noreturn]] void Jump() { std::longjmp(jump_, 1); }

  template <typename Body>
  void Run(Body body) {
    if (setjmp(jump_) != 0) {
      throw base::Error(base::ErrorCode::kInternal, "The crop of a face could not be encoded.");
    }
    body();
  }

  jpeg_compress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_destination_mgr target_{};
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::jmp_buf jump_;
};

base::Image Interleaved(std::span<const float> planes) {
  constexpr std::size_t kPlane = std::size_t{kSide} * kSide;
  base::Image image(kSide, kSide);
  std::uint8_t* to = image.data();
  for (std::size_t i = 0; i < kPlane; ++i) {
    for (std::size_t c = 0; c < base::Image::kChannels; ++c) {
      const float to_round_down = planes[c * kPlane + i] + 0.5f;
      *to++ = static_cast<std::uint8_t>(to_round_down);
    }
  }
  return image;
}

}  // namespace

base::NetworkInput CropInput() { return {.width = kSide, .height = kSide}; }

std::vector<std::uint8_t> EncodeJpeg(std::span<const float> crop) {
  return JpegWriter().Encode(Interleaved(crop).view());
}

}  // namespace visage::thumbnail
