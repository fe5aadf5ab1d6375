#pragma once

#include <vector>

#include "base/framing.h"
#include "base/network_input.h"
#include "base/resample.h"
#include "runtime/accelerator.h"
#include "runtime/session.h"

namespace visage {

/// Makes inputs of networks out of pictures, in a buffer of its own. Belongs to one thread at a time.
class InputMaker {
 public:
  /// What a network is to be run on: made here and now, or, where the picture lies on a device, there when it
  /// is run.
  /// @returns what lives as long as the picture, and until the next call.
  Session::Input Make(const Picture& picture, const Framing& framing, const NetworkInput& input);

 private:
  Resampler resampler_;
  std::vector<float> values_;
};

}  // namespace visage
