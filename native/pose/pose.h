#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "base/network_input.h"
#include "runtime/inference_session.h"
#include "runtime/input_maker.h"

namespace visage::pose {

/// Degrees; zero towards the camera. Yaw and pitch are those of the upright face.
struct Pose {
  /// Positive to the right as seen.
  float yaw = 0;
  /// Positive up.
  float pitch = 0;
  /// Positive clockwise in the image, -180..180.
  float roll = 0;
};

struct PoseOptions {
  runtime::Network network;
  /// `bins66`: 66 bins per angle (Hopenet; N. Ruiz et al., 2018).
  std::string decoder;
  base::NetworkInput input;
  float crop_scale = 1;
};

/// Linear fits to `PoseEstimator` on 104 people of LFW: correlation 0.96 for yaw, 0.75 for pitch.
Pose PoseOfPoints(const base::FivePoints& points);

class PoseEstimator {
 public:
  /// @throws kInternal
  explicit PoseEstimator(const PoseOptions& options);

  /// Roll comes from the points, which are more accurate. @param box, points in pixels of `image`.
  /// @param turn clockwise quarter turns of the face, 0..3.
  Pose Estimate(const runtime::SourceImage& image, const base::Box& box, int turn,
                const base::FivePoints& points);

 private:
  PoseOptions options_;
  std::shared_ptr<const runtime::InferenceSession> session_;
  runtime::InputMaker maker_;
  std::vector<float> output_;
};

}  // namespace visage::pose
