#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "base/network_input.h"
#include "runtime/input_maker.h"
#include "runtime/session.h"

namespace visage {

/// Where a face looks, in degrees; all zero for one that looks into the camera.
struct Pose {
  /// Positive where the face looks to the right of the picture.
  float yaw = 0;
  /// Positive where the face looks up.
  float pitch = 0;
  /// Positive where the face is turned clockwise, as seen in the picture.
  float roll = 0;
};

/// The manifest's `pose` section.
struct PoseOptions {
  Network network;
  /// How the network's outputs are read; `bins66` is known: yaw, pitch and roll as 66 bins each (N. Ruiz et
  /// al., "Fine-Grained Head Pose Estimation Without Keypoints", 2018).
  std::string decoder;
  NetworkInput input;
  /// The crop is the box grown by this factor about its centre, cut to the picture, stretched to the input.
  float crop_scale = 1;
};

/// The pose that the places of the five points tell by themselves, for a pack without a network: yaw and
/// pitch are straight lines through what `PoseEstimator` said of 104 people of LFW, which they follow with a
/// correlation of 0.96 and 0.75.
Pose PoseOfPoints(const FivePoints& points);

/// Estimates where a face looks. An object belongs to one thread at a time; copies share the network.
class PoseEstimator {
 public:
  /// Loads the network. @throws Error kInternal if the file or the decoder's name is not right.
  explicit PoseEstimator(const PoseOptions& options);

  /// Yaw and pitch are the network's, roll is the points': heads tilted by a known angle showed it to be
  /// nearer.
  /// @param box, points the face, in pixels of `image`.
  Pose Estimate(const Picture& image, const Box& box, const FivePoints& points);

 private:
  PoseOptions options_;
  std::shared_ptr<const Session> session_;
  InputMaker maker_;
  std::vector<float> output_;
};

}  // namespace visage
