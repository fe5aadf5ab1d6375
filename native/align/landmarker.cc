#include "align/landmarker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "base/crop.h"
#include "base/error.h"

namespace visage::align {
namespace {

constexpr int kPoints = 68;
/// Makes the second crop show as much of a face as the first.
constexpr float kHullScale = 1.1f;

base::Box Hull(std::span<const float> found, const base::Box& crop, int turn) {
  float left = found[0], right = left, top = found[1], bottom = top;
  for (int i = 1; i < kPoints; ++i) {
    left = std::min(left, found[2 * i]);
    right = std::max(right, found[2 * i]);
    top = std::min(top, found[2 * i + 1]);
    bottom = std::max(bottom, found[2 * i + 1]);
  }
  const base::Box hull = base::Turned(base::Box{left, top, right - left, bottom - top}, turn, {1, 1});
  return {crop.x + hull.x * crop.width, crop.y + hull.y * crop.height, hull.width * crop.width,
          hull.height * crop.height};
}

base::FivePoints FiveOf(std::span<const float> found, const base::Box& crop, int turn, bool mirrored) {
  const auto mean = [&](int first, int last) {
    base::Point sum;
    for (int i = first; i <= last; ++i) {
      sum.x += found[2 * i];
      sum.y += found[2 * i + 1];
    }
    const float count = static_cast<float>(last - first + 1);
    const float x = mirrored ? 1 - sum.x / count : sum.x / count;
    const base::Point seen = base::Turned(base::Point{x, sum.y / count}, turn, {1, 1});
    return base::Point{crop.x + seen.x * crop.width, crop.y + seen.y * crop.height};
  };
  base::FivePoints points = {mean(36, 41), mean(42, 47), mean(30, 30), mean(48, 48), mean(54, 54)};
  if (mirrored) {
    std::swap(points[0], points[1]);
    std::swap(points[3], points[4]);
  }
  return points;
}

float SquaredDistance(const base::Point& a, const base::Point& b) {
  return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
}

}  // namespace

Landmarker::Landmarker(const LandmarkOptions& options)
    : options_(options),
      session_(std::make_shared<runtime::InferenceSession>(
          options.network,
          runtime::InferenceSession::Shape{1, options.input.channel_count(), options.input.height,
                                           options.input.width},
          std::vector<runtime::InferenceSession::Shape>{{1, 2 * kPoints}})) {
  buffers_.fill({{}, std::vector<float>(2 * kPoints)});
  if (options.decoder != "points68") {
    throw base::Error(base::ErrorCode::kInternal,
                      "landmarks.decoder: expected points68, got " + options.decoder);
  }
}

Landmarks Landmarker::Locate(const runtime::SourceImage& image, const base::Box& box, int turn,
                             base::Team& team) {
  const base::Box first = base::GrownAndCut(box, options_.crop_scale, image);
  Look(image, first, turn, false, buffers_[0]);
  if (!options_.second_look) return {FiveOf(buffers_[0].output, first, turn, false), std::nullopt};

  const base::Box second = base::GrownAndCut(Hull(buffers_[0].output, first, turn), kHullScale, image);
  team.Share(2, [&](std::size_t item, std::size_t) { Look(image, second, turn, item == 1, buffers_[item]); });
  base::FivePoints points = FiveOf(buffers_[0].output, second, turn, false);
  const base::FivePoints mirrored = FiveOf(buffers_[1].output, second, turn, true);
  float apart = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    apart += SquaredDistance(points[i], mirrored[i]);
    points[i] = {(points[i].x + mirrored[i].x) / 2, (points[i].y + mirrored[i].y) / 2};
  }
  base::Point centre;
  for (const base::Point& p : points) centre = {centre.x + p.x / 5, centre.y + p.y / 5};
  float spread = 0;
  for (const base::Point& p : points) spread += SquaredDistance(p, centre);
  return {points, std::sqrt(apart / std::max(spread, 1e-6f))};
}

void Landmarker::Look(const runtime::SourceImage& image, const base::Box& crop, int turn, bool mirrored,
                      RunBuffers& buffers) const {
  const base::NetworkInput& input = options_.input;
  const std::array<std::span<float>, 1> outputs = {buffers.output};
  session_->Run(
      buffers.maker.Make(image, base::Resized{crop, {input.width, input.height}, mirrored, turn}, input),
      outputs);
}

}  // namespace visage::align
