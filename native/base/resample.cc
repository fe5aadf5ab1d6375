#include "base/resample.h"

#include <algorithm>

#include "base/pixel.h"
#include "base/planes.h"

namespace visage {

void Resampler::Plan(float start, float length, int source_size, int target_size, Axis& axis) {
  axis.taps.clear();
  axis.weights.clear();
  for (int i = 0; i < target_size; ++i) {
    const Tap tap(start, length, source_size, target_size, i);
    axis.taps.push_back({tap.first, tap.last - tap.first + 1, axis.weights.size()});
    for (int s = tap.first; s <= tap.last; ++s) axis.weights.push_back(tap.Weight(s));
  }
}

void Resampler::Run(const ImageView& image, const Box& source, const NetworkInput& input, int width,
                    int height, float* out) {
  Plan(source.x, source.width, image.width, width, columns_);
  Plan(source.y, source.height, image.height, height, rows_);
  const int left = columns_.taps.front().first;
  const int right = columns_.taps.back().first + columns_.taps.back().count;
  const std::size_t span = static_cast<std::size_t>(right - left) * Image::kChannels;
  sums_.resize(span);
  if (width < input.width || height < input.height) std::fill_n(out, input.size(), 0.0f);
  const PlaneWriter writer(input, out);

  for (int y = 0; y < height; ++y) {
    const Stretch& row = rows_.taps[y];
    std::fill(sums_.begin(), sums_.end(), 0.0f);
    for (int i = 0; i < row.count; ++i) {
      const float weight = rows_.weights[row.weights + i];
      const std::uint8_t* pixels =
          image.Row(row.first + i) + static_cast<std::ptrdiff_t>(left) * Image::kChannels;
      float* sums = sums_.data();
      for (std::size_t j = 0; j < span; ++j) sums[j] += weight * static_cast<float>(pixels[j]);
    }
    for (int x = 0; x < width; ++x) {
      const Stretch& column = columns_.taps[x];
      const float* sums = sums_.data() + static_cast<std::ptrdiff_t>(column.first - left) * Image::kChannels;
      const float* weights = columns_.weights.data() + column.weights;
      float red = 0, green = 0, blue = 0;
      for (int i = 0; i < column.count; ++i, sums += Image::kChannels) {
        red += weights[i] * sums[0];
        green += weights[i] * sums[1];
        blue += weights[i] * sums[2];
      }
      writer.Write(x, y, {red, green, blue});
    }
  }
}

}  // namespace visage
