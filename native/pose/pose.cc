#include "pose/pose.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "base/crop.h"
#include "base/error.h"
#include "base/softmax.h"

namespace visage {
namespace {

constexpr int kBins = 66;
/// A bin is this many degrees wide, and the first begins at -99.
constexpr float kBinDegrees = 3;
constexpr float kFirstDegrees = -99;

/// The expected angle over the bins' probabilities.
float Degrees(std::span<float> bins) {
  Softmax(bins);
  float expected = 0;
  for (std::size_t i = 0; i < bins.size(); ++i) expected += static_cast<float>(i) * bins[i];
  return expected * kBinDegrees + kFirstDegrees;
}

Point Between(const Point& a, const Point& b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }

/// Direction from left to right, of eyes and mouth together: a unit vector, along x where there is none.
Point Across(const FivePoints& points) {
  const float x = points[1].x - points[0].x + points[4].x - points[3].x;
  const float y = points[1].y - points[0].y + points[4].y - points[3].y;
  const float length = std::hypot(x, y);
  return length > 0 ? Point{x / length, y / length} : Point{1, 0};
}

float RollOf(const FivePoints& points) {
  const Point across = Across(points);
  return std::atan2(across.y, across.x) * 180 / std::numbers::pi_v<float>;
}

}  // namespace

PoseEstimator::PoseEstimator(const PoseOptions& options)
    : options_(options),
      session_(std::make_shared<Session>(
          options.network,
          Session::Shape{1, options.input.channel_count(), options.input.height, options.input.width},
          std::vector<Session::Shape>(3, {1, kBins}))),
      output_(3 * kBins) {
  if (options.decoder != "bins66") {
    throw Error(ErrorCode::kInternal, "The pose's decoder is not known: " + options.decoder);
  }
}

Pose PoseOfPoints(const FivePoints& points) {
  constexpr float kYawDegrees = 102, kPitchDegrees = -50, kPitchOffset = 19;
  const Point across = Across(points);
  const Point eyes = Between(points[0], points[1]);
  const Point mouth = Between(points[3], points[4]);
  const auto along = [&](const Point& p) { return (p.x - eyes.x) * across.x + (p.y - eyes.y) * across.y; };
  const auto down = [&](const Point& p) { return (p.y - eyes.y) * across.x - (p.x - eyes.x) * across.y; };
  const float height = std::max(down(mouth), 1.0f);
  const float yaw = kYawDegrees * (along(points[2]) - along(mouth) / 2) / height;
  const float pitch = kPitchDegrees * down(points[2]) / height + kPitchOffset;
  return {std::clamp(yaw, -90.0f, 90.0f), std::clamp(pitch, -90.0f, 90.0f), RollOf(points)};
}

Pose PoseEstimator::Estimate(const Picture& image, const Box& box, const FivePoints& points) {
  const Box crop = GrownAndCut(box, options_.crop_scale, image);
  const std::span<float> all(output_);
  const std::array<std::span<float>, 3> outputs = {all.subspan(0, kBins), all.subspan(kBins, kBins),
                                                   all.subspan(2 * kBins, kBins)};
  session_->Run(
      maker_.Make(image, Resized{crop, {options_.input.width, options_.input.height}}, options_.input),
      outputs);
  // The network counts yaw positive where the face looks to the left of the picture.
  return {-Degrees(outputs[0]), Degrees(outputs[1]), RollOf(points)};
}

}  // namespace visage
