#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

// jpeglib.h needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include "base/error.h"
#include "decode/codec.h"
#include "decode/exif.h"

namespace visage {
namespace {

/// Scans that a file may have. Encoders write about ten; each scan costs a pass over all coefficients however
/// few bytes it has, so thousands of empty ones would keep a thread busy for minutes.
constexpr int kMaxScans = 100;

constexpr int kExifMarker = JPEG_APP0 + 1;

/// libjpeg's reader. The library reports errors by a callback that may not return, so every call into it is
/// made inside Run(), whose body holds nothing that needs a destructor.
class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr info) { Self(info)->Jump(); };
    errors_.emit_message = [](j_common_ptr info, int level) {
      // The source then feeds an end marker and the rest of the picture would be grey.
      if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) Self(info)->Jump();
    };
    errors_.output_message = [](j_common_ptr) {};
    progress_.progress_monitor = [](j_common_ptr info) {
      JpegReader* const self = Self(info);
      if (self->info_.input_scan_number > kMaxScans) {
        self->too_many_scans_ = true;
        self->Jump();
      }
    };
    info_.client_data = this;
  }

  ~JpegReader() { jpeg_destroy_decompress(&info_); }

  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  /// `bytes` must outlive the reader.
  void ReadHeader(std::span<const std::uint8_t> bytes) {
    Run([&] {
      jpeg_create_decompress(&info_);
      info_.progress = &progress_;
      jpeg_mem_src(&info_, bytes.data(), static_cast<unsigned long>(bytes.size()));
      jpeg_save_markers(&info_, kExifMarker, 0xFFFF);
      jpeg_read_header(&info_, TRUE);
    });
  }

  int width() const { return static_cast<int>(info_.image_width); }
  int height() const { return static_cast<int>(info_.image_height); }

  int Orientation() const {
    for (const auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      if (marker->marker != kExifMarker || marker->data_length < 6 || marker->data[0] != 'E') continue;
      return ReadExifOrientation({marker->data, marker->data_length});
    }
    return 1;
  }

  Image Decode(const Reduction& reduction) {
    const bool four_inks = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = four_inks ? JCS_CMYK : JCS_RGB;
    info_.scale_num = 1;
    info_.scale_denom = Divisor(reduction);
    Run([&] { jpeg_start_decompress(&info_); });

    Image image(static_cast<int>(info_.output_width), static_cast<int>(info_.output_height));
    if (four_inks) {
      ReadInks(image);
    } else {
      ReadRgb(image);
    }
    Run([&] { jpeg_finish_decompress(&info_); });
    return image;
  }

 private:
  static JpegReader* Self(j_common_ptr info) { return static_cast<JpegReader*>(info->client_data); }

  [[noreturn]] void Jump() { std::longjmp(jump_, 1); }

  template <typename Body>
  void Run(Body body) {
    if (setjmp(jump_) != 0) Fail();
    body();
  }

  [[noreturn]] void Fail() const {
    if (too_many_scans_) {
      throw Error(ErrorCode::kInvalidImage,
                  "The JPEG file has more than " + std::to_string(kMaxScans) + " scans.");
    }
    switch (errors_.msg_code) {
      case JERR_IMAGE_TOO_BIG:
        CheckSize(width(), height());
        break;
      case JWRN_JPEG_EOF:
        throw Error(ErrorCode::kInvalidImage, "The JPEG file is cut short.");
      case JERR_BAD_PRECISION:
        throw Error(ErrorCode::kUnsupportedImage, "Only JPEG files of 8 bits a sample are supported.");
      case JERR_SOF_UNSUPPORTED:
      case JERR_ARITH_NOTIMPL:
      case JERR_CONVERSION_NOTIMPL:
      case JERR_FRACT_SAMPLE_NOTIMPL:
      case JERR_CCIR601_NOTIMPL:
        throw Error(ErrorCode::kUnsupportedImage, "The JPEG file uses a coding that is not supported.");
      default:
        break;
    }
    throw Error(ErrorCode::kInvalidImage, "The JPEG file is broken.");
  }

  unsigned Divisor(const Reduction& reduction) const {
    const int longer = std::max(width(), height());
    int divisor = 8;
    while (divisor > 1 && ((longer + divisor - 1) / divisor < reduction.least_side ||
                           static_cast<float>(divisor) * reduction.least_scale > 1)) {
      divisor /= 2;
    }
    return static_cast<unsigned>(divisor);
  }

  void ReadRgb(Image& image) {
    Run([&] {
      constexpr int kRows = 16;
      JSAMPROW rows[kRows];
      while (info_.output_scanline < info_.output_height) {
        const int top = static_cast<int>(info_.output_scanline);
        const int count = std::min(kRows, image.height() - top);
        for (int i = 0; i < count; ++i) rows[i] = image.Row(top + i);
        jpeg_read_scanlines(&info_, rows, static_cast<JDIMENSION>(count));
      }
    });
  }

  /// Adobe's programs, and all that follow them, store inks inverted (255 is no ink) and write an Adobe
  /// marker.
  void ReadInks(Image& image) {
    std::vector<JSAMPLE> inks(static_cast<std::size_t>(image.width()) * 4);
    const std::uint8_t flip = info_.saw_Adobe_marker ? 0 : 255;
    Run([&] {
      while (info_.output_scanline < info_.output_height) {
        std::uint8_t* to = image.Row(static_cast<int>(info_.output_scanline));
        JSAMPROW row = inks.data();
        jpeg_read_scanlines(&info_, &row, 1);
        for (int x = 0; x < image.width(); ++x, row += 4, to += Image::kChannels) {
          const int light = row[3] ^ flip;
          for (int c = 0; c < Image::kChannels; ++c) {
            to[c] = static_cast<std::uint8_t>(((row[c] ^ flip) * light + 127) / 255);
          }
        }
      }
    });
  }

  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_;
  bool too_many_scans_ = false;
};

}  // namespace

StoredPicture DecodeJpeg(std::span<const std::uint8_t> bytes, const Reduction& reduction) {
  JpegReader reader;
  reader.ReadHeader(bytes);
  CheckSize(reader.width(), reader.height());
  // Before the pixels: the library forgets the markers when it is done.
  const int orientation = reader.Orientation();
  return {.image = reader.Decode(reduction),
          .full_width = reader.width(),
          .full_height = reader.height(),
          .orientation = orientation};
}

}  // namespace visage
