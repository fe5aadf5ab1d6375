#include "align/landmarker.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.h"

namespace visage {
namespace {

constexpr int kPoints = 68;

/// The box grown about its centre, cut to the picture.
Box Crop(const Box& box, float scale, const ImageView& image) {
  const float picture_width = static_cast<float>(image.width);
  const float picture_height = static_cast<float>(image.height);
  const float grown_x = box.width * (scale - 1) / 2;
  const float grown_y = box.height * (scale - 1) / 2;
  const float left = std::clamp(box.x - grown_x, 0.0f, picture_width - 1);
  const float top = std::clamp(box.y - grown_y, 0.0f, picture_height - 1);
  const float right = std::clamp(box.x + box.width + grown_x, left + 1, picture_width);
  const float bottom = std::clamp(box.y + box.height + grown_y, top + 1, picture_height);
  return {left, top, right - left, bottom - top};
}

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
  const Box crop = Crop(box, options_.crop_scale, image);
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
