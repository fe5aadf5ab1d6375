#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

// jpeglib.h needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include "base/error.h"
#include "base/geometry.h"
#include "base/yield.h"
#include "decode/codec.h"
#include "decode/exif.h"
#include "decode/inks.h"
#include "decode/jpeg_scans.h"
#include "decode/profiles.h"

namespace visage::decode {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;

/// All libjpeg calls are inside Run(), whose body has no destructors, since errors jump out.
class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr info) { Self(info)->Jump(); };
    errors_.emit_message = [](j_common_ptr info, int level) {
      if (level < 0) Self(info)->Warn(info->err->msg_code);
    };
    errors_.output_message = [](j_common_ptr) {};
    progress_.progress_monitor = [](j_common_ptr info) {
      base::YieldPoint();
      JpegReader* const self = Self(info);
      if (self->info_.input_scan_number > self->MaxScans()) {
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

  int MaxScans() const {
    const std::int64_t pixels = std::int64_t{width()} * height();
    return static_cast<int>(
        std::min<std::int64_t>(kMaxJpegScans, kMaxScannedPixels / std::max<std::int64_t>(pixels, 1)));
  }

  /// @throws kInvalidImage, kImageTooLarge.
  void CheckScans(int scans) const {
    if (scans <= MaxScans()) return;
    if (scans > kMaxJpegScans) {
      throw base::Error(base::ErrorCode::kInvalidImage,
                        "The JPEG file has more than " + std::to_string(kMaxJpegScans) + " scans.");
    }
    throw base::Error(base::ErrorCode::kImageTooLarge, "The JPEG file has " + std::to_string(scans) +
                                                           " scans; at " + std::to_string(width()) + " x " +
                                                           std::to_string(height()) + " pixels at most " +
                                                           std::to_string(MaxScans()) + " are allowed.");
  }

  int width() const { return static_cast<int>(info_.image_width); }
  int height() const { return static_cast<int>(info_.image_height); }

  int Orientation() const {
    for (const auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      if (marker->marker != kExifMarker || marker->data_length <= 6 || marker->data[0] != 'E') continue;
      return ReadExifOrientation({marker->data, marker->data_length});
    }
    return 1;
  }

  /// The end marker may be missing, pixels may not.
  base::Image Decode(const Reduction& reduction, const JpegScans& scans, std::span<const std::uint8_t> icc) {
    const bool four_inks = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = four_inks ? JCS_CMYK : JCS_RGB;
    info_.scale_num = 1;
    info_.scale_denom = Divisor(reduction);
    header_read_ = true;
    Run([&] { jpeg_start_decompress(&info_); });
    CheckCompleteness(scans);

    base::Image image(static_cast<int>(info_.output_width), static_cast<int>(info_.output_height));
    if (four_inks) {
      ReadInks(image, InkConverter(icc));
    } else {
      ReadRgb(image);
    }
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

  /// libjpeg fills missing pixels with grey. Arithmetic coding does not tell where the data ended.
  void Warn(int code) {
    if (code == JWRN_JPEG_EOF) {
      ended_ = true;
      if (!header_read_ || info_.arith_code) Jump();
    } else if (code == JWRN_HIT_MARKER) {
      Jump();
    }
  }

  void CheckCompleteness(const JpegScans& scans) const {
    bool complete = true;
    for (int c = 0; c < info_.num_components; ++c) {
      if (!info_.progressive_mode) {
        complete =
            complete && scans.components.test(static_cast<std::uint8_t>(info_.comp_info[c].component_id));
      } else if (ended_) {
        const int* const missing_bits = info_.coef_bits[c];
        complete = complete &&
                   std::all_of(missing_bits, missing_bits + DCTSIZE2, [](int bits) { return bits == 0; });
      }
    }
    if (!complete)
      throw base::Error(base::ErrorCode::kInvalidImage, "The JPEG file is cut short: scans are missing.");
  }

  [[noreturn]] void RefuseShort() const {
    const int rows =
        std::min(height(), static_cast<int>(info_.input_iMCU_row) * info_.max_v_samp_factor * DCTSIZE);
    const std::string scan =
        info_.input_scan_number > 1 ? " in scan " + std::to_string(info_.input_scan_number) : "";
    const bool goes_on = info_.unread_marker >= JPEG_RST0 && info_.unread_marker <= JPEG_RST0 + 7;
    throw base::Error(base::ErrorCode::kInvalidImage,
                      goes_on ? "The JPEG file is broken: pixels are missing behind row " +
                                    std::to_string(rows) + scan + "."
                              : "The JPEG file is cut short: " + std::to_string(rows) + " of " +
                                    std::to_string(height()) + " rows are there" + scan + ".");
  }

  [[noreturn]] void Fail() const {
    if (too_many_scans_) CheckScans(info_.input_scan_number);
    switch (errors_.msg_code) {
      case JERR_IMAGE_TOO_BIG:
        CheckSize(width(), height());
        break;
      case JWRN_HIT_MARKER:
        RefuseShort();
      case JERR_BAD_PRECISION:
        throw base::Error(base::ErrorCode::kUnsupportedImage,
                          "Only JPEG files of 8 bits a sample are supported.");
      case JERR_SOF_UNSUPPORTED:
      case JERR_ARITH_NOTIMPL:
      case JERR_CONVERSION_NOTIMPL:
      case JERR_FRACT_SAMPLE_NOTIMPL:
      case JERR_CCIR601_NOTIMPL:
        throw base::Error(base::ErrorCode::kUnsupportedImage,
                          "The JPEG file uses a coding that is not supported.");
      default:
        break;
    }
    throw base::Error(base::ErrorCode::kInvalidImage,
                      ended_ ? "The JPEG file is cut short." : "The JPEG file is broken.");
  }

  unsigned Divisor(const Reduction& reduction) const {
    const auto extent = static_cast<int>(base::Extent({width(), height()}));
    int divisor = 8;
    while (divisor > 1 && ((extent + divisor - 1) / divisor < reduction.least_side ||
                           static_cast<float>(divisor) * reduction.least_scale > 1)) {
      divisor /= 2;
    }
    return static_cast<unsigned>(divisor);
  }

  void ReadRgb(base::Image& image) {
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

  /// Files invert the inks as Adobe does, even without its marker.
  void ReadInks(base::Image& image, const InkConverter& converter) {
    std::vector<JSAMPLE> inks(static_cast<std::size_t>(image.width()) * InkConverter::kInks);
    Run([&] {
      while (info_.output_scanline < info_.output_height) {
        std::uint8_t* const to = image.Row(static_cast<int>(info_.output_scanline));
        JSAMPROW row = inks.data();
        jpeg_read_scanlines(&info_, &row, 1);
        converter.Convert(inks.data(), to, image.width());
      }
    });
  }

  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_;
  bool too_many_scans_ = false;
  bool header_read_ = false;
  bool ended_ = false;
};

}  // namespace

StoredPicture DecodeJpeg(std::span<const std::uint8_t> bytes, const Reduction& reduction) {
  JpegReader reader;
  reader.ReadHeader(bytes);
  CheckSize(reader.width(), reader.height());
  const JpegScans scans = FindJpegScans(bytes);
  reader.CheckScans(scans.count);
  // libjpeg frees the markers with the pixels.
  const int orientation = reader.Orientation();
  ColourSpace colour = {.icc = FindJpegProfile(bytes), .cicp = {}};
  base::Image image = reader.Decode(reduction, scans, colour.icc);
  return {.image = std::move(image),
          .full_width = reader.width(),
          .full_height = reader.height(),
          .orientation = orientation,
          .colour = std::move(colour)};
}

}  // namespace visage::decode
