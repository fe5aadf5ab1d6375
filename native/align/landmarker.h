#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "base/network_input.h"
#include "base/team.h"
#include "runtime/inference_session.h"
#include "runtime/input_maker.h"

namespace visage::align {

struct LandmarkOptions {
  runtime::Network network;
  /// `points68`: 68 (x, y) in 0..1 of the crop, in iBUG 300-W order.
  std::string decoder;
  base::NetworkInput input;
  /// As in training; a square crop is less accurate.
  float crop_scale = 1;
  /// Averages a second run and its mirror image, so points depend less on the box.
  bool second_look = false;
};

struct Landmarks {
  /// Left and right as seen with the face upright.
  base::FivePoints points;
  /// RMS distance of the points from the mirror image's, over that from their centre. Empty without a second
  /// look.
  std::optional<float> disagreement;
};

/// Not thread-safe; copies share the network.
class Landmarker {
 public:
  /// @throws kInternal
  explicit Landmarker(const LandmarkOptions& options);

  /// Box and points are in pixels of `image`. @param turn clockwise quarter turns of the face, 0..3.
  Landmarks Locate(const runtime::SourceImage& image, const base::Box& box, int turn, base::Team& team);

 private:
  struct RunBuffers {
    runtime::InputMaker maker;
    std::vector<float> output;
  };

  void Look(const runtime::SourceImage& image, const base::Box& crop, int turn, bool mirrored,
            RunBuffers& buffers) const;

  LandmarkOptions options_;
  std::shared_ptr<const runtime::InferenceSession> session_;
  std::array<RunBuffers, 2> buffers_;
};

}  // namespace visage::align
