#include "runtime/input_maker.h"

#include <algorithm>
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
  resampler_.Run(picture, resized.source, input, resized.content.width, resized.content.height,
                 values_.data());
  if (resized.mirrored) {
    for (auto row = values_.begin(); row != values_.end(); row += input.width) {
      std::reverse(row, row + input.width);
    }
  }
  return values_;
}

}  // namespace visage::runtime
