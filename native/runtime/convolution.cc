#include "runtime/convolution.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "runtime/vector.h"

namespace visage {
namespace {

/// The first and one past the last place of a kernel that lies on the input.
struct Reach {
  int begin;
  int end;
};

Reach ReachOf(int start, int kernel, int dilation, int size) {
  const int begin = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  const int end = start >= size ? 0 : (size - start + dilation - 1) / dilation;
  return {std::min(begin, kernel), std::min(end, kernel)};
}

/// Weights as a matrix: for each output the kernel's rows, in them its columns, in them the channels.
std::vector<float> Matrix(const Window& window, int inputs, int input_stride, int outputs,
                          std::span<const float> weights) {
  const std::size_t places = window.size();
  std::vector<float> matrix(outputs * places * input_stride);
  for (int o = 0; o < outputs; ++o) {
    for (int c = 0; c < inputs; ++c) {
      for (std::size_t place = 0; place < places; ++place) {
        matrix[(o * places + place) * input_stride + c] = weights[(o * inputs + c) * places + place];
      }
    }
  }
  return matrix;
}

/// Bytes of integers that a block of rows may have: half of a small first-level cache.
constexpr int kBlockBytes = 16384;
constexpr int kMostRows = 96;
static_assert(kMostRows % FixedPointMatrix::kRows == 0);

}  // namespace

DenseConvolution::DenseConvolution(const Window& window, int inputs, int input_stride, int outputs,
                                   std::span<const float> weights, Epilogue epilogue)
    : window_(window),
      input_stride_(input_stride),
      matrix_(window.size() * input_stride, outputs, Matrix(window, inputs, input_stride, outputs, weights)),
      epilogue_(std::move(epilogue)) {}

void DenseConvolution::Run(const Maps& in, const float* added, const Maps& out) const {
  const int row_size = matrix_.padded_inputs();
  constexpr int kRows = FixedPointMatrix::kRows;
  const int block = std::clamp(kBlockBytes / (2 * row_size) / kRows * kRows, kRows, kMostRows);
  // Kept from run to run: a thread works on one network at a time.
  thread_local std::vector<std::int16_t> integers;
  thread_local std::vector<float> patch;
  integers.resize(static_cast<std::size_t>(block) * row_size);
  patch.assign(row_size, 0);
  std::array<float, kMostRows> scales;

  const int pixels = out.height * out.width;
  for (int first = 0, y = 0, x = 0; first < pixels; first += block) {
    const int count = std::min(block, pixels - first);
    for (int i = 0; i < count; ++i) {
      scales[i] = matrix_.Quantise(Patch(in, y, x, patch.data()), integers.data() + i * row_size);
      if (++x == out.width) {
        x = 0;
        ++y;
      }
    }
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first) * out.stride;
    matrix_.Multiply(integers.data(), scales.data(), count, epilogue_,
                     added == nullptr ? nullptr : added + at, out.values + at);
  }
}

/// What the output at (y, x) sees, in the order of the matrix: in the input itself where it lies there so.
const float* DenseConvolution::Patch(const Maps& in, int y, int x, float* room) const {
  const Window& w = window_;
  if (w.size() == 1 && input_stride_ % kLane == 0 && w.pad_top == 0 && w.pad_left == 0 && w.pad_bottom == 0 &&
      w.pad_right == 0) {
    return in.Pixel(y * w.stride_y, x * w.stride_x);
  }
  const int top = y * w.stride_y - w.pad_top, left = x * w.stride_x - w.pad_left;
  const Reach rows = ReachOf(top, w.kernel_height, w.dilation_y, in.height);
  const Reach columns = ReachOf(left, w.kernel_width, w.dilation_x, in.width);
  const std::size_t line = static_cast<std::size_t>(w.kernel_width) * input_stride_;
  for (int ky = 0; ky < w.kernel_height; ++ky) {
    float* to = room + ky * line;
    if (ky < rows.begin || ky >= rows.end || columns.begin >= columns.end) {
      std::fill_n(to, line, 0.0f);
      continue;
    }
    std::fill_n(to, columns.begin * input_stride_, 0.0f);
    std::fill(to + columns.end * input_stride_, to + line, 0.0f);
    const float* from = in.Pixel(top + ky * w.dilation_y, left + columns.begin * w.dilation_x);
    to += columns.begin * input_stride_;
    if (w.dilation_x == 1) {
      std::copy_n(from, (columns.end - columns.begin) * input_stride_, to);
      continue;
    }
    for (int kx = columns.begin; kx < columns.end; ++kx) {
      std::copy_n(from, input_stride_, to);
      from += w.dilation_x * input_stride_;
      to += input_stride_;
    }
  }
  return room;
}

DepthwiseConvolution::DepthwiseConvolution(const Window& window, int channels, std::span<const float> weights,
                                           Epilogue epilogue)
    : window_(window),
      stride_(Padded(channels)),
      weights_(static_cast<std::size_t>(window.size()) * stride_),
      epilogue_(std::move(epilogue)) {
  for (int c = 0; c < channels; ++c) {
    for (int place = 0; place < window.size(); ++place) {
      weights_[place * stride_ + c] = weights[c * window.size() + place];
    }
  }
}

void DepthwiseConvolution::Run(const Maps& in, const Maps& out) const {
  const Window& w = window_;
  const bool is_three = w.kernel_height == 3 && w.kernel_width == 3 && w.dilation_y == 1 &&
                        w.dilation_x == 1 && w.stride_x == w.stride_y && w.stride_x <= 2;
  // Columns of outputs that see nothing beside the input, and whether there are enough of them.
  const int begin = (w.pad_left + w.stride_x - 1) / w.stride_x;
  const int end =
      in.width + w.pad_left < 3 ? 0 : std::min(out.width, (in.width + w.pad_left - 3) / w.stride_x + 1);
  const bool is_fast = is_three && end - begin >= kPixels;
  // Kept from run to run: a row of zeros for what lies above and below the input.
  thread_local std::vector<float> zeros;
  if (is_fast) zeros.assign(std::max(zeros.size(), static_cast<std::size_t>(in.width) * in.stride), 0);
  for (int y = 0; y < out.height; ++y) {
    const int top = y * w.stride_y - w.pad_top;
    for (int x = 0; x < (is_fast ? begin : out.width); ++x) {
      RunOne(in, top, x * w.stride_x - w.pad_left, out.Pixel(y, x));
    }
    if (!is_fast) continue;
    for (int x = end; x < out.width; ++x) RunOne(in, top, x * w.stride_x - w.pad_left, out.Pixel(y, x));
    for (int x = begin; x < end; x += kPixels) {
      // The last ones overlap those before them.
      const int first = std::min(x, end - kPixels);
      const int left = first * w.stride_x - w.pad_left;
      const auto row = [&](int at) {
        const bool is_inside = at >= 0 && at < in.height;
        return (is_inside ? in.Pixel(at, 0) : zeros.data()) + static_cast<std::ptrdiff_t>(left) * in.stride;
      };
      const ThreeRows rows = {row(top), row(top + 1), row(top + 2)};
      (w.stride_x == 1 ? RunThree<1>(rows, out.Pixel(y, first)) : RunThree<2>(rows, out.Pixel(y, first)));
    }
  }
}

/// Some outputs beside each other that see nothing but the input, with a kernel of 3 x 3.
template <int kStride>
void DepthwiseConvolution::RunThree(const ThreeRows& rows, float* out) const {
  constexpr int kColumns = (kPixels - 1) * kStride + 3;
  const std::ptrdiff_t stride = stride_;
  for (std::ptrdiff_t c = 0; c < stride; c += 8) {
    const Floats8 bias = Load8(epilogue_.bias.data() + c);
    Floats8 s0 = bias, s1 = bias, s2 = bias, s3 = bias;
    static_assert(kPixels == 4);
    const float* weights = weights_.data() + c;
    for (const float* row : rows) {
      Floats8 v[kColumns];
      for (int i = 0; i < kColumns; ++i) v[i] = Load8(row + i * stride + c);
      for (int kx = 0; kx < 3; ++kx, weights += stride) {
        const Floats8 weight = Load8(weights);
        s0 += weight * v[kx];
        s1 += weight * v[kx + kStride];
        s2 += weight * v[kx + 2 * kStride];
        s3 += weight * v[kx + 3 * kStride];
      }
    }
    const Floats8 slope = Load8(epilogue_.slope.data() + c);
    Store8(out + c, Bend(s0, slope));
    Store8(out + stride + c, Bend(s1, slope));
    Store8(out + 2 * stride + c, Bend(s2, slope));
    Store8(out + 3 * stride + c, Bend(s3, slope));
  }
}

/// One output, with any kernel, anywhere.
void DepthwiseConvolution::RunOne(const Maps& in, int top, int left, float* out) const {
  const Window& w = window_;
  const Reach rows = ReachOf(top, w.kernel_height, w.dilation_y, in.height);
  const Reach columns = ReachOf(left, w.kernel_width, w.dilation_x, in.width);
  const std::ptrdiff_t stride = stride_;
  for (std::ptrdiff_t c = 0; c < stride; c += 8) {
    Floats8 sum = Load8(epilogue_.bias.data() + c);
    for (int ky = rows.begin; ky < rows.end; ++ky) {
      const float* from = in.Pixel(top + ky * w.dilation_y, left + columns.begin * w.dilation_x) + c;
      const float* weights = weights_.data() + (ky * w.kernel_width + columns.begin) * stride + c;
      for (int kx = columns.begin; kx < columns.end; ++kx) {
        sum += Load8(weights) * Load8(from);
        from += w.dilation_x * stride;
        weights += stride;
      }
    }
    Store8(out + c, Bend(sum, Load8(epilogue_.slope.data() + c)));
  }
}

}  // namespace visage
