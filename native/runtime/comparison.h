#pragma once

#include <span>
#include <string>

#include "runtime/session.h"

namespace visage {

/// How far the outputs of two networks are apart, the worst of all inputs and outputs, and what they cost.
struct Comparison {
  /// Least cosine of two outputs, -1..1; NaN where an output holds a NaN or is all zero.
  double cosine = 1;
  /// Most of |a - b| over the largest |a| of that output; NaN as above.
  double difference = 0;
  /// Milliseconds of processor time of a run, the least of all.
  double original_ms = 0;
  double changed_ms = 0;
};

/// Runs two networks on the same inputs: the original one after the other on the CPU, on the calling thread,
/// the changed one on its device, as many threads at a time as a batch holds.
/// @param original path of an ONNX file with one float input.
/// @param inputs at least one input, one after the other without a gap.
/// @param shape of an input; needed where the files leave more free than the batch.
/// @throws Error kInternal where one does not load, the shapes of both differ, or `inputs` is not of whole
/// inputs.
Comparison Compare(const std::string& original, const Network& changed, std::span<const float> inputs,
                   Session::Shape shape = {});

/// Version of ONNX Runtime, such as `1.30.0`.
std::string RuntimeVersion();

}  // namespace visage
