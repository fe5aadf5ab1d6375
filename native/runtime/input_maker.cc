#include "runtime/input_maker.h"

#include <algorithm>
#include <array>
#include <variant>

#include "base/warp.h"

namespace visage::runtime {

InferenceSession::Input InputMaker::Make(const SourceImage& picture, const base::Framing& framing,
                                         const base::NetworkInput& input) {
  if (picture.on_device) return {*picture.on_device, framing, input};
  values_.resize(input.size());
  if (const base::Warped* warped = std::get_if<base::Warped>(&framing)) {
    base::Warp(picture, *warped, input, values_.data());
    return values_;
  }
  const base::Resized& resized = std::get<base::Resized>(framing);
  if (resized.turn == 0) {
    resampler_.Run(picture, resized.source, input, resized.content.width, resized.content.height,
                   values_.data());
  } else {
    MakeUpright(picture, resized, input);
  }
  if (resized.mirrored) {
    for (auto row = values_.begin(); row != values_.end(); row += input.width) {
      std::reverse(row, row + input.width);
    }
  }
  return values_;
}

void InputMaker::MakeUpright(const SourceImage& picture, const base::Resized& resized,
                             const base::NetworkInput& input) {
  const auto [width, height] = resized.content;
  const bool is_on_side = resized.turn % 2 == 1;
  base::NetworkInput before = input;
  before.width = is_on_side ? height : width;
  before.height = is_on_side ? width : height;
  turned_.resize(before.size());
  resampler_.Run(picture, resized.source, before, before.width, before.height, turned_.data());

  std::ranges::fill(values_, 0.0f);
  const std::ptrdiff_t row = before.width, last = static_cast<std::ptrdiff_t>(before.plane_size()) - 1;
  const std::array<std::array<std::ptrdiff_t, 3>, 4> walks = {
      {{0, 1, row}, {row - 1, row, -1}, {last, -1, -row}, {last - row + 1, -row, 1}}};
  const auto& [start, right, down] = walks[resized.turn];
  for (int channel = 0; channel < input.channel_count(); ++channel) {
    const float* from = turned_.data() + static_cast<std::size_t>(channel) * before.plane_size() + start;
    float* to = values_.data() + static_cast<std::size_t>(channel) * input.plane_size();
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) to[y * input.width + x] = from[y * down + x * right];
    }
  }
}

}  // namespace visage::runtime
