#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/feature_map.h"

namespace visage::runtime {

/// `v = sum + bias[o] (+ added)`, then PReLU with `slope[o]`: 1 is the identity, 0 a ReLU.
struct Epilogue {
  std::vector<float> bias;
  std::vector<float> slope;
};

/// `Quantise` scales every `kRows` input rows at run time, so networks need no calibration.
///
/// x86 multiplies and adds 16-bit integers twice as fast as floats. Weights and rows share the bits so that
/// no sum overflows: `sum over k of |weight| * most < 2^31` for every output.
class FixedPointMatrix {
 public:
  static constexpr int kRows = 6;

  /// @param weights row-major, `outputs` x `inputs`.
  FixedPointMatrix(int inputs, int outputs, std::span<const float> weights);

  int inputs() const { return inputs_; }
  int padded_inputs() const { return Padded(inputs_); }
  int padded_outputs() const { return Padded(outputs_); }

  float most() const { return most_; }

  /// `value` is about `integer * scale`. @param points planes of a feature map, `plane_size` floats apart.
  /// @param integers `count` rows of `padded_inputs()`. @param scales one per `kRows`.
  void Quantise(const float* points, std::ptrdiff_t plane_size, int count, std::int16_t* integers,
                float* scales) const;

  /// `out[r][o] = epilogue(sum over k of rows[r][k] * weights[o][k])`.
  /// @param rows readable up to the next multiple of `kRows`.
  /// @param added null, or values to add, laid out as `out`.
  /// @param out planes are `plane_size` floats apart.
  void Multiply(const std::int16_t* rows, const float* scales, int count, const Epilogue& epilogue,
                const float* added, float* out, std::ptrdiff_t plane_size) const;

 private:
  int inputs_;
  int outputs_;
  float most_;
  struct alignas(64) Pair {
    std::int16_t weights[2 * kLane] = {};
  };
  std::vector<Pair> weights_;
  std::vector<float> steps_;
};

}  // namespace visage::runtime
