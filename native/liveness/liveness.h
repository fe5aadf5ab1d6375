#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "base/network_input.h"
#include "runtime/inference_session.h"
#include "runtime/input_maker.h"

namespace visage::liveness {

struct LivenessOptions {
  runtime::Network network;
  base::NetworkInput input;
  /// Side of the square crop over the box's longer side; shrinks to fit the image.
  float crop_scale = 1;
  int classes = 0;
};

/// Not thread-safe; copies share the network.
class Liveness {
 public:
  /// @throws Error kInternal if the file is invalid.
  explicit Liveness(const LivenessOptions& options);

  /// @param box in pixels of `image`. @returns one probability per class.
  std::vector<float> Classify(const runtime::SourceImage& image, const base::Box& box);

 private:
  LivenessOptions options_;
  std::shared_ptr<const runtime::InferenceSession> session_;
  runtime::InputMaker maker_;
};

}  // namespace visage::liveness
