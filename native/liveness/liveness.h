#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "base/network_input.h"
#include "runtime/input_maker.h"
#include "runtime/session.h"

namespace visage {

/// The manifest's `liveness` section.
struct LivenessOptions {
  Network network;
  NetworkInput input;
  /// The crop is a square, the box's longer side grown by this factor or by as much as fits, inside the
  /// picture.
  float crop_scale = 1;
  /// Kinds of presentation that the network tells apart.
  int classes = 0;
};

/// Tells a live face from a picture of one. An object belongs to one thread at a time; copies share the
/// network.
class Liveness {
 public:
  /// Loads the network. @throws Error kInternal if the file is not right.
  explicit Liveness(const LivenessOptions& options);

  /// @param box the face, in pixels of `image`.
  /// @returns a probability for each class, in the network's order; they sum to 1.
  std::vector<float> Classify(const Picture& image, const Box& box);

 private:
  LivenessOptions options_;
  std::shared_ptr<const Session> session_;
  InputMaker maker_;
};

}  // namespace visage
