#include "runtime/convolution.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "runtime/vector.h"

namespace visage::runtime {
namespace {

std::vector<float> Matrix(const ConvGeometry& geometry, int inputs, int outputs,
                          std::span<const float> weights) {
  const std::size_t places = geometry.size();
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

/// Half of a small L1 cache.
constexpr int kBlockBytes = 16384;
constexpr int kMostRows = 96;
static_assert(kMostRows % FixedPointMatrix::kRows == 0);

/// Integers per copy, and spare integers behind every buffer.
constexpr int kSlack = 16;

void CopyRun(const std::int16_t* from, std::ptrdiff_t count, std::int16_t* to) {
  for (std::ptrdiff_t i = 0; i < count; i += kSlack) {
    base::Floats8 some;
    static_assert(sizeof some == 2 * kSlack);
    std::memcpy(&some, from + i, sizeof some);
    std::memcpy(to + i, &some, sizeof some);
  }
}

struct IntegerFeatureMap {
  std::vector<std::int16_t> values;
  int width = 0;
  float scale = 0;
};

float Largest(const FeatureMap& maps) {
  base::Floats8 largest = {};
  for (std::ptrdiff_t i = 0; i < maps.size(); i += 8) largest = Max8(largest, Abs8(Load8(maps.values + i)));
  return HorizontalMax(largest);
}

void MakeIntegers(const FeatureMap& in, const ConvGeometry& geometry, float most, IntegerFeatureMap& out) {
  out.width = in.width + geometry.pad_left + geometry.pad_right;
  const std::ptrdiff_t height = in.height + geometry.pad_top + geometry.pad_bottom;
  const std::ptrdiff_t row_size = static_cast<std::ptrdiff_t>(out.width) * in.channels;
  out.values.assign(height * row_size + kSlack, 0);
  const float largest = Largest(in);
  const float factor = largest > 0 ? most / largest : 0;
  out.scale = largest / most;
  const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(geometry.pad_left) * in.channels;
  for (int y = 0; y < in.height; ++y) {
    std::int16_t* const to = out.values.data() + (y + geometry.pad_top) * row_size + left;
    for (int x = 0; x < in.width; ++x) {
      for (int plane = 0; plane < in.planes(); ++plane) {
        ToIntegers16(in.Row(plane, y) + x * kLane, factor,
                     to + static_cast<std::ptrdiff_t>(x) * in.channels + plane * kLane);
      }
    }
  }
}

}  // namespace

DenseConvolution::DenseConvolution(const ConvGeometry& geometry, int inputs, int outputs,
                                   std::span<const float> weights, Epilogue epilogue)
    : geometry_(geometry),
      inputs_(inputs),
      matrix_(geometry.size() * inputs, outputs, Matrix(geometry, inputs, outputs, weights)),
      epilogue_(std::move(epilogue)) {}

void DenseConvolution::Run(const FeatureMap& in, const float* added, const FeatureMap& out) const {
  geometry_.is_point() ? RunPoints(in, added, out) : RunWindows(in, added, out);
}

int DenseConvolution::BlockRows() const {
  constexpr int kRows = FixedPointMatrix::kRows;
  return std::clamp(kBlockBytes / (2 * matrix_.padded_inputs()) / kRows * kRows, kRows, kMostRows);
}

void DenseConvolution::RunPoints(const FeatureMap& in, const float* added, const FeatureMap& out) const {
  const int block = BlockRows(), pixels = out.pixels();
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

void DenseConvolution::RunWindows(const FeatureMap& in, const float* added, const FeatureMap& out) const {
  const ConvGeometry& g = geometry_;
  const int row_size = matrix_.padded_inputs(), block = BlockRows(), pixels = out.pixels();
  thread_local IntegerFeatureMap maps;
  thread_local std::vector<std::int16_t> integers;
  MakeIntegers(in, g, matrix_.most(), maps);
  integers.resize(static_cast<std::size_t>(block) * row_size + kSlack);
  std::array<float, kMostRows / FixedPointMatrix::kRows> scales;
  scales.fill(maps.scale);
  const bool is_close = g.dilation_x == 1;
  const int runs = is_close ? 1 : g.kernel_width;
  const std::ptrdiff_t run = static_cast<std::ptrdiff_t>(is_close ? g.kernel_width : 1) * inputs_;
  const std::ptrdiff_t maps_width = maps.width;
  const std::ptrdiff_t row_step = g.dilation_y * maps_width * inputs_;
  const std::ptrdiff_t place_step = static_cast<std::ptrdiff_t>(g.dilation_x) * inputs_;
  const std::int16_t* const values = maps.values.data();
  std::int16_t* const patches = integers.data();
  for (int first = 0, y = 0, x = 0; first < pixels; first += block) {
    const int count = std::min(block, pixels - first);
    for (int i = 0; i < count; ++i) {
      std::int16_t* to = patches + static_cast<std::ptrdiff_t>(i) * row_size;
      const std::ptrdiff_t corner = static_cast<std::ptrdiff_t>(y) * g.stride_y * maps_width + x * g.stride_x;
      const std::int16_t* from = values + corner * inputs_;
      for (int ky = 0; ky < g.kernel_height; ++ky, from += row_step) {
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

}  // namespace visage::runtime
