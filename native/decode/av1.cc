#include <dav1d/dav1d.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "base/error.h"
#include "decode/codec.h"
#include "decode/video.h"

namespace visage::decode {
namespace {

[[noreturn]] void RefuseBroken() {
  throw base::Error(base::ErrorCode::kInvalidImage, "The AVIF file is cut short or broken.");
}

struct CloseDecoder {
  void operator()(Dav1dContext* decoder) const { dav1d_close(&decoder); }
};

/// Images start black, so parts without data never show former memory.
class CountedPictures {
 public:
  explicit CountedPictures(Dav1dPicAllocator& allocator) {
    allocator = {
        .cookie = this,
        .alloc_picture_callback =
            [](Dav1dPicture* picture, void* self) {
              return static_cast<CountedPictures*>(self)->Allocate(*picture);
            },
        .release_picture_callback = [](Dav1dPicture* picture,
                                       void*) { ::operator delete(picture->allocator_data, kAlignment); }};
  }
  CountedPictures(const CountedPictures&) = delete;
  CountedPictures& operator=(const CountedPictures&) = delete;

 private:
  static constexpr int kMaxPictures = 8;
  /// Two pictures of 40 megapixels with 12 bits and whole chroma.
  static constexpr std::size_t kMaxBytes = std::size_t{512} << 20;
  static constexpr std::align_val_t kAlignment{DAV1D_PICTURE_ALIGNMENT};

  int Allocate(Dav1dPicture& picture) {
    if (++count_ > kMaxPictures) return DAV1D_ERR(ENOMEM);
    // dav1d's alloc_picture_callback requires it.
    constexpr int kBlock = 128;
    const auto up = [](int side) { return static_cast<std::size_t>((side + kBlock - 1) / kBlock) * kBlock; };
    const Dav1dPixelLayout layout = picture.p.layout;
    const bool half_width = layout == DAV1D_PIXEL_LAYOUT_I420 || layout == DAV1D_PIXEL_LAYOUT_I422;
    const bool half_height = layout == DAV1D_PIXEL_LAYOUT_I420;
    // Rows a power of two apart share cache lines.
    const std::size_t stride = up(picture.p.w) * (picture.p.bpc > 8 ? 2 : 1) + 2 * DAV1D_PICTURE_ALIGNMENT;
    const std::size_t luma = stride * up(picture.p.h);
    const std::size_t chroma_stride = half_width ? stride / 2 : stride;
    const std::size_t chroma =
        layout == DAV1D_PIXEL_LAYOUT_I400 ? 0 : chroma_stride * up(picture.p.h) / (half_height ? 2 : 1);
    const std::size_t size = luma + 2 * chroma + DAV1D_PICTURE_ALIGNMENT;
    bytes_ += size;
    if (bytes_ > kMaxBytes) return DAV1D_ERR(ENOMEM);
    auto* const memory = static_cast<std::uint8_t*>(::operator new(size, kAlignment, std::nothrow));
    if (memory == nullptr) return DAV1D_ERR(ENOMEM);
    std::memset(memory, 0, size);
    picture.allocator_data = memory;
    picture.data[0] = memory;
    picture.data[1] = chroma > 0 ? memory + luma : nullptr;
    picture.data[2] = chroma > 0 ? memory + luma + chroma : nullptr;
    picture.stride[0] = static_cast<std::ptrdiff_t>(stride);
    picture.stride[1] = static_cast<std::ptrdiff_t>(chroma_stride);
    return 0;
  }

  int count_ = 0;
  std::size_t bytes_ = 0;
};

struct Picture : Dav1dPicture {
  Picture() : Dav1dPicture{} {}
  ~Picture() { dav1d_picture_unref(this); }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
};

struct Data : Dav1dData {
  explicit Data(std::span<const std::uint8_t> bytes) : Dav1dData{} {
    std::uint8_t* const copy = bytes.empty() ? nullptr : dav1d_data_create(this, bytes.size());
    if (copy == nullptr) RefuseBroken();
    std::memcpy(copy, bytes.data(), bytes.size());
  }
  ~Data() { dav1d_data_unref(this); }
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
};

YuvPicture View(const Picture& decoded) {
  const Dav1dSequenceHeader& header = *decoded.seq_hdr;
  const Dav1dPixelLayout layout = decoded.p.layout;
  YuvPicture picture = {.width = decoded.p.w,
                        .height = decoded.p.h,
                        .bits = decoded.p.bpc,
                        .has_chroma = layout != DAV1D_PIXEL_LAYOUT_I400,
                        .half_width = layout == DAV1D_PIXEL_LAYOUT_I420 || layout == DAV1D_PIXEL_LAYOUT_I422,
                        .half_height = layout == DAV1D_PIXEL_LAYOUT_I420,
                        .strides = {decoded.stride[0], decoded.stride[1], decoded.stride[1]},
                        .cicp = {.primaries = header.pri,
                                 .transfer = header.trc,
                                 .matrix = header.mtrx,
                                 .full_range = header.color_range != 0}};
  for (int plane = 0; plane < 3; ++plane) {
    picture.planes[plane] = static_cast<const std::uint8_t*>(decoded.data[plane]);
  }
  return picture;
}

}  // namespace

void DecodeAv1(const CodedPicture& coded, PixelBudget& budget, const PictureSink& sink) {
  const std::int64_t pixels = std::int64_t{coded.width} * coded.height;
  budget.Take(pixels);
  Dav1dSettings settings;
  dav1d_default_settings(&settings);
  settings.n_threads = 1;
  settings.max_frame_delay = 1;
  settings.all_layers = 0;
  settings.frame_size_limit = static_cast<unsigned>(pixels);
  settings.logger = {.cookie = nullptr, .callback = nullptr};
  CountedPictures pictures(settings.allocator);
  Dav1dContext* opened = nullptr;
  if (dav1d_open(&opened, &settings) != 0) RefuseBroken();
  const std::unique_ptr<Dav1dContext, CloseDecoder> decoder(opened);

  Data data(coded.data);
  Picture picture;
  BeginInOneGo(pixels);
  for (;;) {
    const int sent = data.sz > 0 ? dav1d_send_data(decoder.get(), &data) : 0;
    if (sent != 0 && sent != DAV1D_ERR(EAGAIN)) RefuseBroken();
    const int got = dav1d_get_picture(decoder.get(), &picture);
    if (got == 0) break;
    if (got != DAV1D_ERR(EAGAIN) || data.sz == 0) RefuseBroken();
  }
  sink(View(picture));
}

}  // namespace visage::decode
