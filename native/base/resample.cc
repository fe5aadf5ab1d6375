#include "base/resample.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/lanes.h"
#include "base/pixel.h"
#include "base/planes.h"

namespace visage::base {
namespace {

/// Unused taps have weight 0.
constexpr std::size_t kTapsAtOnce = 4;

/// @param row rows are `stride` bytes apart.
void AddRows(const std::uint8_t* row, std::ptrdiff_t stride, std::span<const float> weights,
             std::span<float> sums) {
  constexpr std::size_t kLanes = 8, kBlock = 6;
  std::size_t at = 0;
  for (; at + kLanes * kBlock <= sums.size(); at += kLanes * kBlock) {
    Floats8 block[kBlock];
    for (Floats8& lanes : block) lanes = Floats8{};
    const std::uint8_t* bytes = row + at;
    for (const float weight : weights) {
      for (std::size_t i = 0; i < kBlock; ++i) block[i] += weight * BytesAsFloats(bytes + i * kLanes);
      bytes += stride;
    }
    for (std::size_t i = 0; i < kBlock; ++i) std::memcpy(&sums[at + i * kLanes], &block[i], sizeof block[i]);
  }
  for (; at < sums.size(); ++at) {
    const std::uint8_t* byte = row + at;
    float sum = 0;
    for (const float weight : weights) {
      sum += weight * static_cast<float>(*byte);
      byte += stride;
    }
    sums[at] = sum;
  }
}

Colour AddPixels(const float* pixels, const float* weights, std::size_t taps) {
  // The fourth lane holds the next pixel's red; callers ignore it.
  Floats4 sum = {};
  for (std::size_t i = 0; i < taps; i += kTapsAtOnce) {
    for (std::size_t j = i; j < i + kTapsAtOnce; ++j) {
      Floats4 pixel;
      std::memcpy(&pixel, pixels + j * Image::kChannels, sizeof pixel);
      sum += weights[j] * pixel;
    }
  }
  return {sum[0], sum[1], sum[2]};
}

std::size_t RoundUp(std::size_t taps) { return (taps + kTapsAtOnce - 1) / kTapsAtOnce * kTapsAtOnce; }

}  // namespace

void Resampler::Plan(float start, float length, int source_size, int target_size, Axis& axis) {
  axis.taps.clear();
  axis.weights.clear();
  for (int i = 0; i < target_size; ++i) {
    const Tap tap(start, length, source_size, target_size, i);
    axis.taps.push_back({tap.first, tap.last - tap.first + 1, axis.weights.size()});
    for (int s = tap.first; s <= tap.last; ++s) axis.weights.push_back(tap.Weight(s));
    axis.weights.resize(RoundUp(axis.weights.size()));
  }
}

void Resampler::Run(const ImageView& image, const Box& source, const NetworkInput& input, int width,
                    int height, float* out) {
  Plan(source.x, source.width, image.width, width, columns_);
  Plan(source.y, source.height, image.height, height, rows_);
  const int left = columns_.taps.front().first;
  const int right = columns_.taps.back().first + columns_.taps.back().count;
  const std::size_t span = static_cast<std::size_t>(right - left) * Image::kChannels;
  sums_.assign(span + (kTapsAtOnce + 1) * Image::kChannels, 0.0f);
  if (width < input.width || height < input.height) std::fill_n(out, input.size(), 0.0f);
  const PlaneWriter writer(input, out);

  for (int y = 0; y < height; ++y) {
    const TapRange& row = rows_.taps[y];
    AddRows(image.Row(row.first) + static_cast<std::ptrdiff_t>(left) * Image::kChannels, image.stride,
            {rows_.weights.data() + row.weights, static_cast<std::size_t>(row.count)}, {sums_.data(), span});
    for (int x = 0; x < width; ++x) {
      const TapRange& column = columns_.taps[x];
      const float* pixels =
          sums_.data() + static_cast<std::ptrdiff_t>(column.first - left) * Image::kChannels;
      writer.Write(x, y, AddPixels(pixels, columns_.weights.data() + column.weights, RoundUp(column.count)));
    }
  }
}

}  // namespace visage::base
