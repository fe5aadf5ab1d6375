#include "runtime/convolution.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "runtime/vector.h"

namespace visage {
namespace {

/// Weights as a matrix: for each output the kernel's rows, in them its columns, in them the channels.
std::vector<float> Matrix(const Window& window, int inputs, int outputs, std::span<const float> weights) {
  const std::size_t places = window.size();
  std::vector<float> matrix(outputs * places * inputs);
  for (int o = 0; o < outputs; ++o) {
    for (int c = 0; c < inputs; ++c) {
      for (std::size_t place = 0; place < places; ++place) {
        matrix[(o * places + place) * inputs + c] = weights[(o * inputs + c) * places + place];
      }
    }
  }
  return matrix;
}

/// Bytes of integers that a block of rows may have: half of a small first-level cache.
constexpr int kBlockBytes = 16384;
constexpr int kMostRows = 96;
static_assert(kMostRows % FixedPointMatrix::kRows == 0);

/// Integers that are copied at once; as many are readable and writable behind every buffer.
constexpr int kSlack = 16;

/// Copies `count` integers, and some more behind them.
void CopyRun(const std::int16_t* from, std::ptrdiff_t count, std::int16_t* to) {
  for (std::ptrdiff_t i = 0; i < count; i += kSlack) {
    Floats8 some;
    static_assert(sizeof some == 2 * kSlack);
    std::memcpy(&some, from + i, sizeof some);
    std::memcpy(to + i, &some, sizeof some);
  }
}

/// Maps of integers with what pads them around: `height` rows of `width` pixels of all channels.
struct IntegerMaps {
  std::vector<std::int16_t> values;
  int width = 0;
  float scale = 0;
};

float Largest(const Maps& maps) {
  Floats8 largest = {};
  for (std::ptrdiff_t i = 0; i < maps.size(); i += 8)
    largest = Larger(largest, Magnitude(Load8(maps.values + i)));
  return LargestOf(largest);
}

void MakeIntegers(const Maps& in, const Window& window, float most, IntegerMaps& out) {
  out.width = in.width + window.pad_left + window.pad_right;
  const std::ptrdiff_t height = in.height + window.pad_top + window.pad_bottom;
  const std::ptrdiff_t row_size = static_cast<std::ptrdiff_t>(out.width) * in.channels;
  out.values.assign(height * row_size + kSlack, 0);
  const float largest = Largest(in);
  const float factor = largest > 0 ? most / largest : 0;
  out.scale = largest / most;
  const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(window.pad_left) * in.channels;
  for (int y = 0; y < in.height; ++y) {
    std::int16_t* const to = out.values.data() + (y + window.pad_top) * row_size + left;
    // Pixel by pixel, so that what is written beyond a pixel's channels is written over by the next one's;
    // the zeros beyond the last pixel are channels that are zeros.
    for (int x = 0; x < in.width; ++x) {
      for (int plane = 0; plane < in.planes(); ++plane) {
        ToIntegers16(in.Row(plane, y) + x * kLane, factor,
                     to + static_cast<std::ptrdiff_t>(x) * in.channels + plane * kLane);
      }
    }
  }
}

}  // namespace

DenseConvolution::DenseConvolution(const Window& window, int inputs, int outputs,
                                   std::span<const float> weights, Epilogue epilogue)
    : window_(window),
      inputs_(inputs),
      matrix_(window.size() * inputs, outputs, Matrix(window, inputs, outputs, weights)),
      epilogue_(std::move(epilogue)) {}

void DenseConvolution::Run(const Maps& in, const float* added, const Maps& out) const {
  window_.is_point() ? RunPoints(in, added, out) : RunWindows(in, added, out);
}

int DenseConvolution::BlockRows() const {
  constexpr int kRows = FixedPointMatrix::kRows;
  return std::clamp(kBlockBytes / (2 * matrix_.padded_inputs()) / kRows * kRows, kRows, kMostRows);
}

void DenseConvolution::RunPoints(const Maps& in, const float* added, const Maps& out) const {
  const int block = BlockRows(), pixels = out.pixels();
  // Kept from run to run: a thread works on one network at a time.
  thread_local std::vector<std::int16_t> integers;
  integers.resize(static_cast<std::size_t>(block) * matrix_.padded_inputs());
  std::array<float, kMostRows / FixedPointMatrix::kRows> scales;
  for (int first = 0; first < pixels; first += block) {
    const int count = std::min(block, pixels - first);
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first) * kLane;
    matrix_.Quantise(in.values + at, in.plane_size(), count, integers.data(), scales.data());
    matrix_.Multiply(integers.data(), scales.data(), count, epilogue_,
                     added == nullptr ? nullptr : added + at, out.values + at, out.plane_size());
  }
}

void DenseConvolution::RunWindows(const Maps& in, const float* added, const Maps& out) const {
  const Window& w = window_;
  const int row_size = matrix_.padded_inputs(), block = BlockRows(), pixels = out.pixels();
  thread_local IntegerMaps maps;
  thread_local std::vector<std::int16_t> integers;
  MakeIntegers(in, w, matrix_.most(), maps);
  integers.resize(static_cast<std::size_t>(block) * row_size + kSlack);
  std::array<float, kMostRows / FixedPointMatrix::kRows> scales;
  scales.fill(maps.scale);
  // What lies beside each other in the input is copied in one run.
  const bool is_close = w.dilation_x == 1;
  const int runs = is_close ? 1 : w.kernel_width;
  const std::ptrdiff_t run = static_cast<std::ptrdiff_t>(is_close ? w.kernel_width : 1) * inputs_;
  // From a row, and a place, that the window sees to the next one.
  const std::ptrdiff_t maps_width = maps.width;
  const std::ptrdiff_t row_step = w.dilation_y * maps_width * inputs_;
  const std::ptrdiff_t place_step = static_cast<std::ptrdiff_t>(w.dilation_x) * inputs_;
  const std::int16_t* const values = maps.values.data();
  std::int16_t* const patches = integers.data();
  for (int first = 0, y = 0, x = 0; first < pixels; first += block) {
    const int count = std::min(block, pixels - first);
    for (int i = 0; i < count; ++i) {
      std::int16_t* to = patches + static_cast<std::ptrdiff_t>(i) * row_size;
      const std::ptrdiff_t corner = static_cast<std::ptrdiff_t>(y) * w.stride_y * maps_width + x * w.stride_x;
      const std::int16_t* from = values + corner * inputs_;
      for (int ky = 0; ky < w.kernel_height; ++ky, from += row_step) {
        for (int kx = 0; kx < runs; ++kx, to += run) CopyRun(from + kx * place_step, run, to);
      }
      if (++x == out.width) {
        x = 0;
        ++y;
      }
    }
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first) * kLane;
    matrix_.Multiply(patches, scales.data(), count, epilogue_, added == nullptr ? nullptr : added + at,
                     out.values + at, out.plane_size());
  }
}

}  // namespace visage
