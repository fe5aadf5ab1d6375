#include "runtime/depthwise.h"

#include <algorithm>
#include <utility>

#include "runtime/vector.h"

namespace visage::runtime {
namespace {

struct Reach {
  int begin;
  int end;
};

Reach ReachOf(int start, int kernel, int dilation, int size) {
  const int begin = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  const int end = start >= size ? 0 : (size - start + dilation - 1) / dilation;
  return {std::min(begin, kernel), std::min(end, kernel)};
}

constexpr int kPixels = 4;

struct Three {
  base::Floats8 weights[3][3];
  base::Floats8 bias;
  base::Floats8 slope;
};

template <int kStride>
void RunPixels(const Three& three, const float* const (&rows)[3], float* out) {
  static_assert(kPixels == 4);
  base::Floats8 s0 = three.bias, s1 = three.bias, s2 = three.bias, s3 = three.bias;
  for (int ky = 0; ky < 3; ++ky) {
    for (int kx = 0; kx < 3; ++kx) {
      const base::Floats8 weight = three.weights[ky][kx];
      const float* const from = rows[ky] + kx * kLane;
      s0 += weight * Load8(from);
      s1 += weight * Load8(from + kStride * kLane);
      s2 += weight * Load8(from + 2 * kStride * kLane);
      s3 += weight * Load8(from + 3 * kStride * kLane);
    }
  }
  Store8(out, PReLU(s0, three.slope));
  Store8(out + kLane, PReLU(s1, three.slope));
  Store8(out + 2 * kLane, PReLU(s2, three.slope));
  Store8(out + 3 * kLane, PReLU(s3, three.slope));
}

}  // namespace

DepthwiseConvolution::DepthwiseConvolution(const ConvGeometry& geometry, int channels,
                                           std::span<const float> weights, Epilogue epilogue)
    : geometry_(geometry),
      weights_(static_cast<std::size_t>(geometry.size()) * Padded(channels)),
      epilogue_(std::move(epilogue)) {
  for (int c = 0; c < channels; ++c) {
    for (int place = 0; place < geometry.size(); ++place) {
      weights_[(c / kLane * geometry.size() + place) * kLane + c % kLane] =
          weights[c * geometry.size() + place];
    }
  }
}

void DepthwiseConvolution::Run(const FeatureMap& in, const FeatureMap& out) const {
  const ConvGeometry& g = geometry_;
  const bool is_three = g.kernel_height == 3 && g.kernel_width == 3 && g.dilation_y == 1 &&
                        g.dilation_x == 1 && g.stride_x == g.stride_y;
  if (is_three && g.stride_x == 1) return RunThree<1>(in, out);
  if (is_three && g.stride_x == 2) return RunThree<2>(in, out);
  RunAny(in, out);
}

template <int kStride>
void DepthwiseConvolution::RunThree(const FeatureMap& in, const FeatureMap& out) const {
  const ConvGeometry& g = geometry_;
  const int last = in.width + g.pad_left - 3;
  const int begin = std::min(out.width, (g.pad_left + kStride - 1) / kStride);
  const int end = last < 0 ? begin : std::clamp(last / kStride + 1, begin, out.width);
  thread_local std::vector<float> zeros;
  zeros.resize(std::max(zeros.size(), static_cast<std::size_t>(in.width) * kLane));
  for (int plane = 0; plane < out.planes(); ++plane) {
    for (int y = 0; y < out.height; ++y) {
      for (int half = 0; half < kLane; half += 8) {
        const std::ptrdiff_t c = static_cast<std::ptrdiff_t>(plane) * kLane + half;
        Three three = {{}, Load8(&epilogue_.bias[c]), Load8(&epilogue_.slope[c])};
        const float* lines[3];
        for (int ky = 0; ky < 3; ++ky) {
          const int at = y * kStride - g.pad_top + ky;
          lines[ky] = (at >= 0 && at < in.height ? in.Row(plane, at) : zeros.data()) + half;
          for (int kx = 0; kx < 3; ++kx) {
            three.weights[ky][kx] = Load8(&weights_[(plane * 9 + ky * 3 + kx) * kLane + half]);
          }
        }
        float* const to = out.Row(plane, y) + half;
        const auto at_edge = [&](int x) {
          const int left = x * kStride - g.pad_left;
          base::Floats8 sum = three.bias;
          for (int kx = 0; kx < 3; ++kx) {
            if (left + kx < 0 || left + kx >= in.width) continue;
            for (int ky = 0; ky < 3; ++ky)
              sum += three.weights[ky][kx] * Load8(lines[ky] + (left + kx) * kLane);
          }
          Store8(to + x * kLane, PReLU(sum, three.slope));
        };
        const bool is_wide = end - begin >= kPixels;
        for (int x = 0; x < (is_wide ? begin : out.width); ++x) at_edge(x);
        if (!is_wide) continue;
        for (int x = end; x < out.width; ++x) at_edge(x);
        for (int x = begin; x < end; x += kPixels) {
          const int first = std::min(x, end - kPixels);
          const std::ptrdiff_t left = (first * kStride - g.pad_left) * kLane;
          RunPixels<kStride>(three, {lines[0] + left, lines[1] + left, lines[2] + left}, to + first * kLane);
        }
      }
    }
  }
}

void DepthwiseConvolution::RunAny(const FeatureMap& in, const FeatureMap& out) const {
  const ConvGeometry& g = geometry_;
  for (int plane = 0; plane < out.planes(); ++plane) {
    const float* const kernel = weights_.data() + static_cast<std::ptrdiff_t>(plane) * g.size() * kLane;
    for (int y = 0; y < out.height; ++y) {
      const int top = y * g.stride_y - g.pad_top;
      const Reach reach = ReachOf(top, g.kernel_height, g.dilation_y, in.height);
      for (int x = 0; x < out.width; ++x) {
        const int left = x * g.stride_x - g.pad_left;
        const Reach columns = ReachOf(left, g.kernel_width, g.dilation_x, in.width);
        for (int half = 0; half < kLane; half += 8) {
          const std::ptrdiff_t c = static_cast<std::ptrdiff_t>(plane) * kLane + half;
          base::Floats8 sum = Load8(&epilogue_.bias[c]);
          for (int ky = reach.begin; ky < reach.end; ++ky) {
            const float* const row = in.Row(plane, top + ky * g.dilation_y) + half;
            for (int kx = columns.begin; kx < columns.end; ++kx) {
              sum += Load8(kernel + (ky * g.kernel_width + kx) * kLane + half) *
                     Load8(row + (left + kx * g.dilation_x) * kLane);
            }
          }
          Store8(out.Row(plane, y) + x * kLane + half, PReLU(sum, Load8(&epilogue_.slope[c])));
        }
      }
    }
  }
}

}  // namespace visage::runtime
