#include "align/landmarker.h"

#include <array>
#include <span>

#include "base/crop.h"
#include "base/error.h"

namespace visage {
namespace {

constexpr int kPoints = 68;

}  // namespace

Landmarker::Landmarker(const LandmarkOptions& options)
    : options_(options),
      session_(std::make_shared<Session>(
          options.file,
          Session::Shape{1, options.input.channel_count(), options.input.height, options.input.width},
          std::vector<Session::Shape>{{1, 2 * kPoints}})),
      input_(options.input.size()),
      output_(2 * kPoints) {
  if (options.decoder != "points68") {
    throw Error(ErrorCode::kInternal, "The landmarks' decoder is not known: " + options.decoder);
  }
}

FivePoints Landmarker::Locate(const ImageView& image, const Box& box) {
  const Box crop = GrownAndCut(box, options_.crop_scale, image);
  resampler_.Run(image, crop, options_.input, options_.input.width, options_.input.height, input_.data());
  const std::array<std::span<float>, 1> outputs = {output_};
  session_->Run(input_, outputs);

  const auto mean = [&](int first, int last) {
    Point sum;
    for (int i = first; i <= last; ++i) {
      sum.x += output_[2 * i];
      sum.y += output_[2 * i + 1];
    }
    const float count = static_cast<float>(last - first + 1);
    return Point{crop.x + sum.x / count * crop.width, crop.y + sum.y / count * crop.height};
  };
  return {mean(36, 41), mean(42, 47), mean(30, 30), mean(48, 48), mean(54, 54)};
}

}  // namespace visage
