#include "align/landmarker.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/crop.h"
#include "base/error.h"

namespace visage {
namespace {

constexpr int kPoints = 68;
/// The second crop is the box around all points grown by this: as much of a face as the first shows.
constexpr float kHullScale = 1.1f;

/// The box around all points, perhaps not all inside the picture.
Box Hull(std::span<const float> found, const Box& crop) {
  float left = found[0], right = left, top = found[1], bottom = top;
  for (int i = 1; i < kPoints; ++i) {
    left = std::min(left, found[2 * i]);
    right = std::max(right, found[2 * i]);
    top = std::min(top, found[2 * i + 1]);
    bottom = std::max(bottom, found[2 * i + 1]);
  }
  return {crop.x + left * crop.width, crop.y + top * crop.height, (right - left) * crop.width,
          (bottom - top) * crop.height};
}

/// The five in pixels of the picture.
FivePoints FiveOf(std::span<const float> found, const Box& crop, bool mirrored) {
  const auto mean = [&](int first, int last) {
    Point sum;
    for (int i = first; i <= last; ++i) {
      sum.x += found[2 * i];
      sum.y += found[2 * i + 1];
    }
    const float count = static_cast<float>(last - first + 1);
    const float x = mirrored ? 1 - sum.x / count : sum.x / count;
    return Point{crop.x + x * crop.width, crop.y + sum.y / count * crop.height};
  };
  FivePoints points = {mean(36, 41), mean(42, 47), mean(30, 30), mean(48, 48), mean(54, 54)};
  if (mirrored) {
    std::swap(points[0], points[1]);
    std::swap(points[3], points[4]);
  }
  return points;
}

}  // namespace

Landmarker::Landmarker(const LandmarkOptions& options)
    : options_(options),
      session_(std::make_shared<Session>(
          options.network,
          Session::Shape{1, options.input.channel_count(), options.input.height, options.input.width},
          std::vector<Session::Shape>{{1, 2 * kPoints}})) {
  eyes_.fill({{}, std::vector<float>(2 * kPoints)});
  if (options.decoder != "points68") {
    throw Error(ErrorCode::kInternal, "The landmarks' decoder is not known: " + options.decoder);
  }
}

FivePoints Landmarker::Locate(const Picture& image, const Box& box, Team& team) {
  const Box first = GrownAndCut(box, options_.crop_scale, image);
  Look(image, first, false, eyes_[0]);
  if (!options_.second_look) return FiveOf(eyes_[0].output, first, false);

  const Box second = GrownAndCut(Hull(eyes_[0].output, first), kHullScale, image);
  team.Share(2, [&](std::size_t item, std::size_t) { Look(image, second, item == 1, eyes_[item]); });
  FivePoints points = FiveOf(eyes_[0].output, second, false);
  const FivePoints mirrored = FiveOf(eyes_[1].output, second, true);
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i] = {(points[i].x + mirrored[i].x) / 2, (points[i].y + mirrored[i].y) / 2};
  }
  return points;
}

void Landmarker::Look(const Picture& image, const Box& crop, bool mirrored, Eye& eye) const {
  const NetworkInput& input = options_.input;
  const std::array<std::span<float>, 1> outputs = {eye.output};
  session_->Run(eye.maker.Make(image, Resized{crop, {input.width, input.height}, mirrored}, input), outputs);
}

}  // namespace visage
