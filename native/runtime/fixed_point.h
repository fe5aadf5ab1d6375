#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/maps.h"

namespace visage {

/// What is done to each sum before it is stored: `v = sum + bias[o] (+ added)`, then `v` where it is
/// positive, `slope[o] * v` where it is not. A slope of 1 leaves it as it is, of 0 is a ReLU, of another
/// value a PReLU.
struct Epilogue {
  /// Of as many floats as there are outputs, padded.
  std::vector<float> bias;
  std::vector<float> slope;
};

/// A matrix of weights as integers of 16 bits, which multiplies rows of floats that are made integers as they
/// come, each `kRows` of them with a scale of their own, so that nothing has to be known beforehand about
/// their range.
///
/// x86 multiplies sixteen pairs of 16-bit integers and adds them to eight sums of 32 bits in the time that it
/// takes for eight pairs of floats. How many of the bits go to the weights and how many to the rows is chosen
/// so that no sum can overflow: `sum over k of |weight| * most < 2^31` for every output.
class FixedPointMatrix {
 public:
  /// Rows that the innermost loop works on.
  static constexpr int kRows = 6;

  /// @param weights row-major, `outputs` x `inputs`.
  FixedPointMatrix(int inputs, int outputs, std::span<const float> weights);

  int inputs() const { return inputs_; }
  /// Both are multiples of `kLane`.
  int padded_inputs() const { return Padded(inputs_); }
  int padded_outputs() const { return Padded(outputs_); }

  /// The largest integer that a row may have.
  float most() const { return most_; }

  /// Makes integers of pixels, each `kRows` with a scale of their own: `value` is about `integer * scale`.
  /// @param points the first pixel of the first plane of maps of lane `kLane`, from which it is `plane_size`
  /// floats to the next plane.
  /// @param integers `count` rows of `padded_inputs()`. @param scales one for each `kRows` or less.
  void Quantise(const float* points, std::ptrdiff_t plane_size, int count, std::int16_t* integers,
                float* scales) const;

  /// `out[r][o] = epilogue(sum over k of rows[r][k] * weights[o][k])`.
  /// @param rows `count` rows of `padded_inputs()` integers of at most `most()`, without a gap, with their
  /// `scales`; up to the next multiple of `kRows` they must be readable. Whatever lies there, or beyond
  /// `inputs()` in a row, changes nothing.
  /// @param added null, or what is added to each sum, laid out as `out`.
  /// @param out the first pixel of maps of lane `kLane`, with `plane_size` floats from a plane to the next.
  void Multiply(const std::int16_t* rows, const float* scales, int count, const Epilogue& epilogue,
                const float* added, float* out, std::ptrdiff_t plane_size) const;

 private:
  int inputs_;
  int outputs_;
  float most_;
  /// Two inputs' weights for `kLane` outputs, beside each other, in a line of the cache.
  struct alignas(64) Pair {
    std::int16_t weights[2 * kLane] = {};
  };
  /// For each lane of outputs, for each two inputs.
  std::vector<Pair> weights_;
  /// What one step of an output's integers is worth.
  std::vector<float> steps_;
};

}  // namespace visage
