#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <variant>
#include <vector>

#include "runtime/convolution.h"
#include "runtime/depthwise.h"
#include "runtime/picture_convolution.h"

namespace visage {

/// A stretch of a network from its input on: convolutions with what follows them, run without anything in
/// between.
///
/// Written by `src/vision/graph/segment.ts` as whole numbers and floats. Values are numbered as they are
/// made; 0 is the input. Immutable, so all threads may share it.
class Segment {
 public:
  /// How maps lie in memory outside: batch x channels x height x width.
  struct Shape {
    std::int64_t batch = 0;
    std::int64_t channels = 0;
    std::int64_t height = 0;
    std::int64_t width = 0;
  };
  /// Whole numbers of a step: its kind, the numbers of the values that it reads, adds (0: none) and makes,
  /// the channels that it reads and makes, then a `Window`'s numbers in their order.
  static constexpr std::size_t kStepNumbers = 16;

  /// @param steps `kStepNumbers` a step. @param outputs the numbers of the values that are given out.
  /// @param weights for each step in turn what it needs: weights, a bias and a slope an output for a
  /// convolution, a slope an output for a sum.
  /// @throws Error kInternal where the numbers do not fit together.
  Segment(std::span<const std::int64_t> steps, std::span<const std::int64_t> outputs,
          std::span<const float> weights);

  /// Runs it on each input of a batch, on the calling thread.
  /// @param allocate gives room for this many floats, which must last until the end of the call.
  /// @param output gives the buffer for an output, by its place among the outputs and its shape.
  /// @throws Error kInternal where the input does not fit.
  void Run(const float* input, const Shape& shape, const std::function<float*(std::size_t floats)>& allocate,
           const std::function<float*(std::size_t output, const Shape& shape)>& output) const;

 private:
  /// `out = bend(a + b)`.
  struct Sum {
    std::vector<float> slope;
  };
  struct Step {
    int input;
    int added;
    int channels;
    Window window;
    std::variant<DenseConvolution, DepthwiseConvolution, PictureConvolution, Sum> work;
  };

  void AssignSlots();

  /// The step with number i makes value i + 1.
  std::vector<Step> steps_;
  std::vector<int> outputs_;
  int input_channels_ = 0;
  /// For each value, which part of the memory it is in: values that are not needed together share one. The
  /// input is in none, -1.
  std::vector<int> slots_;
};

}  // namespace visage
