#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace visage::runtime {

/// Makes rows of scores and boxes, column by column. `src/vision/graph/detection-head.ts` encodes it.
class DetectionHead {
 public:
  /// Batch x channels x pixels.
  struct FeatureMap {
    const float* values = nullptr;
    std::int64_t batch = 0;
    std::int64_t channels = 0;
    std::int64_t pixels = 0;
  };
  struct Shape {
    std::int64_t batch = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
  };

  /// @param inputs per feature map: its source, ascending, and the source's number of columns.
  /// @param steps per column: kind and two numbers. kSource: source and column. kNumber: index of a float.
  /// kList: first float and count. Others: columns to read.
  /// @param outputs per output: number of columns, then these. @throws kInternal
  DetectionHead(std::span<const std::int64_t> inputs, std::span<const std::int64_t> steps,
                std::span<const float> floats, std::span<const std::int64_t> outputs);

  /// @param output returns an output's buffer. @throws kInternal if the feature maps do not fit.
  void Run(std::span<const FeatureMap> maps,
           const std::function<float*(std::size_t output, const Shape& shape)>& output) const;

 private:
  enum Kind : std::int64_t { kSource, kNumber, kList, kAdd, kSubtract, kMultiply, kDivide, kMax, kExp };
  struct Input {
    std::size_t source;
    std::int64_t columns;
  };
  struct Step {
    Kind kind;
    std::size_t a;
    std::size_t b;
  };

  /// 0 for a column that fits any number.
  std::vector<std::int64_t> CountRows(std::span<const FeatureMap> maps) const;
  void Gather(std::span<const FeatureMap> maps, std::int64_t item, std::int64_t stride, float* columns) const;
  void RunBlock(const float* gathered, std::int64_t stride, std::int64_t first, float* block) const;

  std::vector<Input> inputs_;
  std::vector<std::int64_t> first_columns_;
  std::vector<Step> steps_;
  std::vector<float> floats_;
  std::vector<std::vector<std::size_t>> outputs_;
};

}  // namespace visage::runtime
