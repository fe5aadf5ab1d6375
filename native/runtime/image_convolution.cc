#include "runtime/image_convolution.h"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "runtime/vector.h"

namespace visage::runtime {
namespace {

constexpr int kPixels = 6;

struct Lane {
  const float* weights;
  base::Floats8 bias[2];
  base::Floats8 slope[2];
};

template <int kCount>
void RunPixels(const Lane& lane, const float* from, const std::vector<std::ptrdiff_t>& places,
               std::ptrdiff_t step, float* out) {
  base::Floats8 low[kCount], high[kCount];
  for (int i = 0; i < kCount; ++i) {
    low[i] = lane.bias[0];
    high[i] = lane.bias[1];
  }
  const float* weights = lane.weights;
  for (const std::ptrdiff_t place : places) {
    const base::Floats8 w0 = Load8(weights), w1 = Load8(weights + 8);
    weights += kLane;
    const float* const at = from + place;
#pragma GCC unroll 6
    for (int i = 0; i < kCount; ++i) {
      const base::Floats8 value = Broadcast8(at[i * step]);
      low[i] += value * w0;
      high[i] += value * w1;
    }
  }
  for (int i = 0; i < kCount; ++i) {
    float* const to = out + i * kLane;
    Store8(to, PReLU(low[i], lane.slope[0]));
    Store8(to + 8, PReLU(high[i], lane.slope[1]));
  }
}

void CopyRows(const FeatureMap& in, const ConvGeometry& g, int y, float* to) {
  const int width = g.pad_left + in.width + g.pad_right;
  for (int c = 0; c < in.channels; ++c) {
    for (int ky = 0; ky < g.kernel_height; ++ky, to += width) {
      const int at = y * g.stride_y - g.pad_top + ky * g.dilation_y;
      if (at < 0 || at >= in.height) {
        std::fill_n(to, width, 0.0f);
      } else {
        std::fill_n(to, g.pad_left, 0.0f);
        std::copy_n(in.Row(c, at), in.width, to + g.pad_left);
        std::fill_n(to + g.pad_left + in.width, g.pad_right, 0.0f);
      }
    }
  }
}

}  // namespace

ImageConvolution::ImageConvolution(const ConvGeometry& geometry, int inputs, int outputs,
                                   std::span<const float> weights, Epilogue epilogue)
    : geometry_(geometry), epilogue_(std::move(epilogue)) {
  const int places = inputs * geometry.size();
  weights_.resize(static_cast<std::size_t>(places) * Padded(outputs));
  for (int o = 0; o < outputs; ++o) {
    for (int place = 0; place < places; ++place) {
      const std::size_t at = (static_cast<std::size_t>(o / kLane) * places + place) * kLane + o % kLane;
      weights_[at] = weights[static_cast<std::size_t>(o) * places + place];
    }
  }
}

void ImageConvolution::Run(const FeatureMap& in, const FeatureMap& out) const {
  const ConvGeometry& g = geometry_;
  thread_local std::vector<std::ptrdiff_t> places;
  thread_local std::vector<float> rows;
  const std::ptrdiff_t width = g.pad_left + in.width + g.pad_right;
  places.clear();
  for (int row = 0; row < in.channels * g.kernel_height; ++row) {
    for (int kx = 0; kx < g.kernel_width; ++kx) places.push_back(row * width + kx * g.dilation_x);
  }
  rows.resize(in.channels * g.kernel_height * width);
  for (int y = 0; y < out.height; ++y) {
    CopyRows(in, g, y, rows.data());
    for (int plane = 0; plane < out.planes(); ++plane) {
      const std::size_t c = static_cast<std::size_t>(plane) * kLane;
      const Lane lane = {weights_.data() + c * places.size(),
                         {Load8(&epilogue_.bias[c]), Load8(&epilogue_.bias[c + 8])},
                         {Load8(&epilogue_.slope[c]), Load8(&epilogue_.slope[c + 8])}};
      float* const to = out.Row(plane, y);
      const auto run = [&](auto count, int x) {
        RunPixels<count>(lane, rows.data() + static_cast<std::ptrdiff_t>(x) * g.stride_x, places, g.stride_x,
                         to + static_cast<std::ptrdiff_t>(x) * kLane);
      };
      if (out.width < kPixels) {
        for (int x = 0; x < out.width; ++x) run(std::integral_constant<int, 1>(), x);
        continue;
      }
      for (int x = 0; x < out.width; x += kPixels) {
        run(std::integral_constant<int, kPixels>(), std::min(x, out.width - kPixels));
      }
    }
  }
}

}  // namespace visage::runtime
