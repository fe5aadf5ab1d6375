#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace visage {

/// The end of a detector: rows that are made of the pixels of maps, and what is reckoned with their columns.
///
/// Written by `src/vision/graph/columns.ts` as whole numbers and floats. Columns are numbered as they are
/// made. Immutable, so all threads may share it.
class Columns {
 public:
  /// Maps as ONNX has them: batch x channels x pixels.
  struct Maps {
    const float* values = nullptr;
    std::int64_t batch = 0;
    std::int64_t channels = 0;
    std::int64_t pixels = 0;
  };
  /// batch x rows x columns.
  struct Shape {
    std::int64_t batch = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
  };

  /// @param inputs for each of the maps the number of its source, of which those of one come after another,
  /// and how many columns that has: a pixel is as many rows as its channels are times those columns.
  /// @param steps for each column its kind and two numbers: a source and which of its columns; where a number
  /// lies among the floats; where a number for each row lies, and how many; or the columns that it is made
  /// of.
  /// @param outputs for each how many columns it has, and which.
  /// @throws Error kInternal where the numbers do not fit together.
  Columns(std::span<const std::int64_t> inputs, std::span<const std::int64_t> steps,
          std::span<const float> floats, std::span<const std::int64_t> outputs);

  /// Runs it on each item of a batch, on the calling thread.
  /// @param output gives the buffer for an output, by its place among them and its shape.
  /// @throws Error kInternal where the maps do not fit.
  void Run(std::span<const Maps> maps,
           const std::function<float*(std::size_t output, const Shape& shape)>& output) const;

 private:
  enum Kind : std::int64_t { kSource, kNumber, kList, kAdd, kSubtract, kMultiply, kDivide, kLarger, kExp };
  struct Input {
    std::size_t source;
    std::int64_t columns;
  };
  struct Step {
    Kind kind;
    std::size_t a;
    std::size_t b;
  };

  /// Of each column; 0 where any number fits.
  std::vector<std::int64_t> CountRows(std::span<const Maps> maps) const;
  void Gather(std::span<const Maps> maps, std::int64_t item, std::int64_t stride, float* columns) const;
  void RunBlock(const float* gathered, std::int64_t stride, std::int64_t first, float* block) const;

  std::vector<Input> inputs_;
  /// Of each source which column of all sources is its first, and behind them how many there are.
  std::vector<std::int64_t> first_columns_;
  std::vector<Step> steps_;
  std::vector<float> floats_;
  std::vector<std::vector<std::size_t>> outputs_;
};

}  // namespace visage
