#include "pose/pose.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "base/crop.h"
#include "base/error.h"
#include "base/softmax.h"

namespace visage::pose {
namespace {

constexpr int kBins = 66;
constexpr float kBinDegrees = 3;
constexpr float kFirstDegrees = -99;

float Degrees(std::span<float> bins) {
  base::Softmax(bins);
  float expected = 0;
  for (std::size_t i = 0; i < bins.size(); ++i) expected += static_cast<float>(i) * bins[i];
  return expected * kBinDegrees + kFirstDegrees;
}

base::Point Between(const base::Point& a, const base::Point& b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }

base::Point Across(const base::FivePoints& points) {
  const float x = points[1].x - points[0].x + points[4].x - points[3].x;
  const float y = points[1].y - points[0].y + points[4].y - points[3].y;
  const float length = std::hypot(x, y);
  return length > 0 ? base::Point{x / length, y / length} : base::Point{1, 0};
}

float RollOf(const base::FivePoints& points) {
  const base::Point across = Across(points);
  return std::atan2(across.y, across.x) * 180 / std::numbers::pi_v<float>;
}

}  // namespace

PoseEstimator::PoseEstimator(const PoseOptions& options)
    : options_(options),
      session_(std::make_shared<runtime::InferenceSession>(
          options.network,
          runtime::InferenceSession::Shape{1, options.input.channel_count(), options.input.height,
                                           options.input.width},
          std::vector<runtime::InferenceSession::Shape>(3, {1, kBins}))),
      output_(3 * kBins) {
  if (options.decoder != "bins66") {
    throw base::Error(base::ErrorCode::kInternal, "pose.decoder: expected bins66, got " + options.decoder);
  }
}

Pose PoseOfPoints(const base::FivePoints& points) {
  constexpr float kYawDegrees = 102, kPitchDegrees = -50, kPitchOffset = 19;
  const base::Point across = Across(points);
  const base::Point eyes = Between(points[0], points[1]);
  const base::Point mouth = Between(points[3], points[4]);
  const auto along = [&](const base::Point& p) {
    return (p.x - eyes.x) * across.x + (p.y - eyes.y) * across.y;
  };
  const auto down = [&](const base::Point& p) {
    return (p.y - eyes.y) * across.x - (p.x - eyes.x) * across.y;
  };
  const float height = std::max(down(mouth), 1.0f);
  const float yaw = kYawDegrees * (along(points[2]) - along(mouth) / 2) / height;
  const float pitch = kPitchDegrees * down(points[2]) / height + kPitchOffset;
  return {std::clamp(yaw, -90.0f, 90.0f), std::clamp(pitch, -90.0f, 90.0f), RollOf(points)};
}

Pose PoseEstimator::Estimate(const runtime::SourceImage& image, const base::Box& box, int turn,
                             const base::FivePoints& points) {
  const base::Box crop = base::GrownAndCut(box, options_.crop_scale, image);
  const std::span<float> all(output_);
  const std::array<std::span<float>, 3> outputs = {all.subspan(0, kBins), all.subspan(kBins, kBins),
                                                   all.subspan(2 * kBins, kBins)};
  session_->Run(
      maker_.Make(image, base::Resized{crop, {options_.input.width, options_.input.height}, false, turn},
                  options_.input),
      outputs);
  // The network's yaw is positive to the left of the image.
  return {-Degrees(outputs[0]), Degrees(outputs[1]), RollOf(points)};
}

}  // namespace visage::pose
