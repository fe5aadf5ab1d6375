#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/crop.h"
#include "base/geometry.h"
#include "base/network_input.h"
#include "base/team.h"
#include "runtime/inference_session.h"
#include "runtime/input_maker.h"

namespace visage::liveness {

struct LookOptions {
  runtime::Network network;
  base::NetworkInput input;
  base::CropShape shape = base::CropShape::kSquare;
  /// Sides of the crop over those of the box, or over its longer side.
  float scale = 1;
  /// Black beyond the image; otherwise as base::MovedInside.
  bool is_padded = false;
  int classes = 0;
};

/// Not thread-safe; copies share the networks.
class Liveness {
 public:
  /// @throws kInternal for an invalid file.
  explicit Liveness(const std::vector<LookOptions>& looks);

  /// @param box in pixels of `image`. @param turn clockwise quarter turns of the face, 0..3. @returns one
  /// probability per class, look after look.
  std::vector<float> Classify(const runtime::SourceImage& image, const base::Box& box, int turn,
                              base::Team& team);

 private:
  struct Look {
    LookOptions options;
    std::shared_ptr<const runtime::InferenceSession> session;
    runtime::InputMaker maker;
    std::vector<float> classes;
  };
  std::vector<Look> looks_;
};

}  // namespace visage::liveness
