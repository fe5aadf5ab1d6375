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
  void MakeUpright(const SourceImage& picture, const base::Resized& resized, const base::NetworkInput& input);

  base::Resampler resampler_;
  std::vector<float> values_;
  std::vector<float> turned_;
};

}  // namespace visage::runtime
