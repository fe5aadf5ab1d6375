#pragma once

#include <vector>

#include "base/framing.h"
#include "base/network_input.h"
#include "base/resample.h"
#include "runtime/accelerator.h"
#include "runtime/inference_session.h"

namespace visage::runtime {

/// Not thread-safe.
class InputMaker {
 public:
  /// Valid until the next call or the image's end.
  InferenceSession::Input Make(const SourceImage& picture, const base::Framing& framing,
                               const base::NetworkInput& input);

 private:
  base::Resampler resampler_;
  std::vector<float> values_;
};

}  // namespace visage::runtime
