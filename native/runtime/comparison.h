#pragma once

#include <span>
#include <string>

#include "runtime/inference_session.h"

namespace visage::runtime {

/// Differences of at most 1e-6 count as 0.
struct Comparison {
  /// Lowest; NaN if an output contains a NaN or only zeros.
  double cosine = 1;
  /// Largest |a - b| over the largest |a|; NaN as above.
  double difference = 0;
  double original_ms = 0;
  double changed_ms = 0;
};

/// The original runs on the CPU, the changed network on its device in full batches.
/// @param shape of an input; required for free sizes besides the batch.
/// @throws kInternal if a network does not load, shapes differ, or `inputs` has a partial input.
Comparison Compare(const std::string& original, const Network& changed, std::span<const float> inputs,
                   InferenceSession::Shape shape = {});

std::string RuntimeVersion();

}  // namespace visage::runtime
