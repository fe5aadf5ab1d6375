#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace visage {

/// Floats that are handled together: all rows are padded to a multiple of it with zeros.
inline constexpr int kLane = 16;

/// The next multiple of `kLane`.
constexpr int Padded(int size) { return (size + kLane - 1) / kLane * kLane; }

/// What is done to each sum before it is stored: `v = sum + bias[o] (+ added)`, then `v` where it is
/// positive, `slope[o] * v` where it is not. A slope of 1 leaves it as it is, of 0 is a ReLU, of another
/// value a PReLU.
struct Epilogue {
  /// Of as many floats as there are outputs, padded.
  std::vector<float> bias;
  std::vector<float> slope;
};

/// A matrix of weights as integers of 16 bits, which multiplies rows of floats that are made integers as they
/// come, each row with a scale of its own, so that nothing has to be known beforehand about their range.
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

  /// Makes integers of a row.
  /// @param row, integers `padded_inputs()` values.
  /// @return the scale: `row[k]` is about `integers[k] * scale`.
  float Quantise(const float* row, std::int16_t* integers) const;

  /// `out[r][o] = epilogue(sum over k of rows[r][k] * weights[o][k])`.
  /// @param rows `count` rows from `Quantise`, without a gap, with their `scales`; up to the next multiple of
  /// `kRows` they must be readable, whatever is there.
  /// @param added null, or what is added to each sum, laid out as `out`.
  /// @param out `count` rows of `padded_outputs()` floats.
  void Multiply(const std::int16_t* rows, const float* scales, int count, const Epilogue& epilogue,
                const float* added, float* out) const;

 private:
  int inputs_;
  int outputs_;
  /// The largest integer in a row.
  float most_;
  /// For 16 outputs after another: for each two inputs, two integers an output.
  std::vector<std::int16_t> weights_;
  /// What one step of an output's integers is worth.
  std::vector<float> steps_;
};

}  // namespace visage
