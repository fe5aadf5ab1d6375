#include "runtime/picture_convolution.h"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "runtime/vector.h"

namespace visage {
namespace {

/// Outputs beside each other that are worked on at once: their sums of `kLane` channels fill twelve
/// registers.
constexpr int kPixels = 6;

/// A lane of channels of a convolution.
struct Lane {
  const float* weights;
  Floats8 bias[2];
  Floats8 slope[2];
};

/// @param from the corner of the first output's window. @param places of a window, from its corner.
/// @param step from an output's corner to the next one's.
template <int kCount>
void RunPixels(const Lane& lane, const float* from, const std::vector<std::ptrdiff_t>& places,
               std::ptrdiff_t step, float* out) {
  Floats8 low[kCount], high[kCount];
  for (int i = 0; i < kCount; ++i) {
    low[i] = lane.bias[0];
    high[i] = lane.bias[1];
  }
  const float* weights = lane.weights;
  for (const std::ptrdiff_t place : places) {
    const Floats8 w0 = Load8(weights), w1 = Load8(weights + 8);
    weights += kLane;
    const float* const at = from + place;
#pragma GCC unroll 6
    for (int i = 0; i < kCount; ++i) {
      const Floats8 value = All8(at[i * step]);
      low[i] += value * w0;
      high[i] += value * w1;
    }
  }
  for (int i = 0; i < kCount; ++i) {
    float* const to = out + i * kLane;
    Store8(to, Bend(low[i], lane.slope[0]));
    Store8(to + 8, Bend(high[i], lane.slope[1]));
  }
}

/// Copies what the windows of a row of outputs see: for each channel the kernel's rows, with what pads them.
void CopyRows(const Maps& in, const Window& w, int y, float* to) {
  const int width = w.pad_left + in.width + w.pad_right;
  for (int c = 0; c < in.channels; ++c) {
    for (int ky = 0; ky < w.kernel_height; ++ky, to += width) {
      const int at = y * w.stride_y - w.pad_top + ky * w.dilation_y;
      if (at < 0 || at >= in.height) {
        std::fill_n(to, width, 0.0f);
      } else {
        std::fill_n(to, w.pad_left, 0.0f);
        std::copy_n(in.Row(c, at), in.width, to + w.pad_left);
        std::fill_n(to + w.pad_left + in.width, w.pad_right, 0.0f);
      }
    }
  }
}

}  // namespace

PictureConvolution::PictureConvolution(const Window& window, int inputs, int outputs,
                                       std::span<const float> weights, Epilogue epilogue)
    : window_(window), epilogue_(std::move(epilogue)) {
  const int places = inputs * window.size();
  weights_.resize(static_cast<std::size_t>(places) * Padded(outputs));
  for (int o = 0; o < outputs; ++o) {
    for (int place = 0; place < places; ++place) {
      const std::size_t at = (static_cast<std::size_t>(o / kLane) * places + place) * kLane + o % kLane;
      weights_[at] = weights[static_cast<std::size_t>(o) * places + place];
    }
  }
}

void PictureConvolution::Run(const Maps& in, const Maps& out) const {
  const Window& w = window_;
  // Kept from run to run: a thread works on one network at a time.
  thread_local std::vector<std::ptrdiff_t> places;
  thread_local std::vector<float> rows;
  const std::ptrdiff_t width = w.pad_left + in.width + w.pad_right;
  places.clear();
  for (int row = 0; row < in.channels * w.kernel_height; ++row) {
    for (int kx = 0; kx < w.kernel_width; ++kx) places.push_back(row * width + kx * w.dilation_x);
  }
  rows.resize(in.channels * w.kernel_height * width);
  for (int y = 0; y < out.height; ++y) {
    CopyRows(in, w, y, rows.data());
    for (int plane = 0; plane < out.planes(); ++plane) {
      const std::size_t c = static_cast<std::size_t>(plane) * kLane;
      const Lane lane = {weights_.data() + c * places.size(),
                         {Load8(&epilogue_.bias[c]), Load8(&epilogue_.bias[c + 8])},
                         {Load8(&epilogue_.slope[c]), Load8(&epilogue_.slope[c + 8])}};
      float* const to = out.Row(plane, y);
      const auto run = [&](auto count, int x) {
        RunPixels<count>(lane, rows.data() + static_cast<std::ptrdiff_t>(x) * w.stride_x, places, w.stride_x,
                         to + static_cast<std::ptrdiff_t>(x) * kLane);
      };
      if (out.width < kPixels) {
        for (int x = 0; x < out.width; ++x) run(std::integral_constant<int, 1>(), x);
        continue;
      }
      // The last ones overlap those before them.
      for (int x = 0; x < out.width; x += kPixels) {
        run(std::integral_constant<int, kPixels>(), std::min(x, out.width - kPixels));
      }
    }
  }
}

}  // namespace visage
