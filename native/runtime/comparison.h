#pragma once

#include <span>
#include <string>

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

/// Runs two networks on the same inputs, on the calling thread.
/// @param original, changed paths of ONNX files with one float input, everything of fixed shape.
/// @param inputs at least one input, one after the other without a gap.
/// @throws Error kInternal where one does not load, the shapes of both differ, or `inputs` is not of whole
/// inputs.
Comparison Compare(const std::string& original, const std::string& changed, std::span<const float> inputs);

/// Version of ONNX Runtime, such as `1.30.0`.
std::string RuntimeVersion();

}  // namespace visage
