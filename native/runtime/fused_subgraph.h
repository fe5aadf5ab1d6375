#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <variant>
#include <vector>

#include "runtime/convolution.h"
#include "runtime/depthwise.h"
#include "runtime/image_convolution.h"

namespace visage::runtime {

/// A network's first part as one ONNX Runtime operator. Steps produce values, numbered in order; value 0 is
/// the input. `src/vision/graph/fused-subgraph.ts` encodes it.
class FusedSubgraph {
 public:
  struct Shape {
    std::int64_t batch = 0;
    std::int64_t channels = 0;
    std::int64_t height = 0;
    std::int64_t width = 0;
  };
  /// Kind; values to read, add (0: none) and write; input and output channels; `ConvGeometry`.
  static constexpr std::size_t kStepNumbers = 16;

  /// @param steps `kStepNumbers` per step. @param outputs values to return. @param weights per step.
  /// Convolution: weights, then a bias and a slope per output. Sum: a slope per output. Others: none.
  /// @throws kInternal
  FusedSubgraph(std::span<const std::int64_t> steps, std::span<const std::int64_t> outputs,
                std::span<const float> weights);

  /// @param allocate returns memory valid until the call ends. @param output returns an output's buffer.
  /// @throws kInternal if the input does not fit.
  void Run(const float* input, const Shape& shape, const std::function<float*(std::size_t floats)>& allocate,
           const std::function<float*(std::size_t output, const Shape& shape)>& output) const;

 private:
  struct Sum {
    std::vector<float> slope;
  };
  /// Maxima of 2 x 2 pixels.
  struct Pool {};
  /// Each pixel becomes 2 x 2 pixels.
  struct Doubled {};
  struct Step {
    int input;
    int added;
    int channels;
    ConvGeometry geometry;
    std::variant<DenseConvolution, DepthwiseConvolution, ImageConvolution, Sum, Pool, Doubled> work;
  };

  void AssignSlots();

  std::vector<Step> steps_;
  std::vector<int> outputs_;
  int input_channels_ = 0;
  /// Values that are not live together share a slot; -1 for the input.
  std::vector<int> slots_;
};

}  // namespace visage::runtime
