#include "runtime/detection_head.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "runtime/vector.h"

namespace visage::runtime {
namespace {

/// A step takes 512 bytes, so a few dozen fit into the L1 cache.
constexpr std::int64_t kBlock = 128;
constexpr std::int64_t kMostColumns = 64;

void Check(bool holds, const char* what) {
  if (!holds) throw base::Error(base::ErrorCode::kInternal, std::string("Invalid detection head: ") + what);
}

constexpr std::int64_t RoundedUp(std::int64_t rows) { return (rows + kBlock - 1) / kBlock * kBlock; }

template <typename Function>
void Each(const float* a, const float* b, float* out, Function function) {
  for (std::int64_t i = 0; i < kBlock; i += 8) Store8(out + i, function(Load8(a + i), Load8(b + i)));
}

}  // namespace

DetectionHead::DetectionHead(std::span<const std::int64_t> inputs, std::span<const std::int64_t> steps,
                             std::span<const float> floats, std::span<const std::int64_t> outputs)
    : first_columns_{0}, floats_(floats.begin(), floats.end()) {
  Check(!inputs.empty() && inputs.size() % 2 == 0, "an input is cut off");
  for (; !inputs.empty(); inputs = inputs.subspan(2)) {
    const std::int64_t source = inputs[0], columns = inputs[1];
    const auto sources = static_cast<std::int64_t>(first_columns_.size()) - 1;
    Check(columns > 0 && columns <= kMostColumns, "a source has too many columns");
    Check(source == sources || (source == sources - 1 && inputs_.back().columns == columns),
          "sources are not in their order");
    if (source == sources) first_columns_.push_back(first_columns_.back() + columns);
    inputs_.push_back({static_cast<std::size_t>(source), columns});
  }
  Check(steps.size() % 3 == 0, "a step is cut off");
  const auto sources = static_cast<std::int64_t>(first_columns_.size()) - 1;
  for (; !steps.empty(); steps = steps.subspan(3)) {
    const std::int64_t kind = steps[0], a = steps[1], b = steps[2];
    const auto made = static_cast<std::int64_t>(steps_.size());
    const auto floats = static_cast<std::int64_t>(floats_.size());
    Check(kind >= kSource && kind <= kExp, "a step is of no known kind");
    Check(a >= 0 && b >= 0, "a step reads what is not there");
    if (kind == kSource) {
      Check(a < sources && b < first_columns_[a + 1] - first_columns_[a], "a source has no such column");
    } else if (kind == kNumber) {
      Check(a < floats, "floats are missing");
    } else if (kind == kList) {
      Check(a <= floats && b <= floats - a, "floats are missing");
    } else {
      Check(a < made && b < made, "a step reads what is not there");
    }
    steps_.push_back({static_cast<Kind>(kind), static_cast<std::size_t>(a), static_cast<std::size_t>(b)});
  }
  while (!outputs.empty()) {
    const std::int64_t count = outputs[0];
    Check(count > 0 && count < static_cast<std::int64_t>(outputs.size()), "an output is cut off");
    for (const std::int64_t column : outputs.subspan(1, count)) {
      Check(column >= 0 && column < static_cast<std::int64_t>(steps_.size()), "an output is not made");
    }
    outputs_.emplace_back(outputs.begin() + 1, outputs.begin() + 1 + count);
    outputs = outputs.subspan(count + 1);
  }
}

std::vector<std::int64_t> DetectionHead::CountRows(std::span<const FeatureMap> maps) const {
  Check(maps.size() == inputs_.size(), "maps are missing");
  std::vector<std::int64_t> of_sources(first_columns_.size() - 1);
  for (std::size_t i = 0; i < maps.size(); ++i) {
    Check(maps[i].channels % inputs_[i].columns == 0, "channels are no rows");
    Check(maps[i].batch == maps[0].batch, "maps are not of one batch");
    of_sources[inputs_[i].source] += maps[i].channels / inputs_[i].columns * maps[i].pixels;
  }
  std::vector<std::int64_t> rows;
  for (const auto [kind, a, b] : steps_) {
    if (kind == kSource) {
      rows.push_back(of_sources[a]);
    } else if (kind == kNumber || kind == kList) {
      rows.push_back(kind == kList ? static_cast<std::int64_t>(b) : 0);
    } else {
      const std::int64_t first = rows[a], second = kind == kExp ? first : rows[b];
      Check(first == second || first == 0 || second == 0, "columns have other rows");
      rows.push_back(std::max(first, second));
    }
  }
  return rows;
}

void DetectionHead::Gather(std::span<const FeatureMap> maps, std::int64_t item, std::int64_t stride,
                           float* columns) const {
  std::int64_t row = 0;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const auto [source, count] = inputs_[i];
    if (i == 0 || inputs_[i - 1].source != source) row = 0;
    const auto& [values, batch, channels, pixels] = maps[i];
    const std::int64_t rows_a_pixel = channels / count;
    for (std::int64_t c = 0; c < channels; ++c) {
      const float* const plane = values + (item * channels + c) * pixels;
      float* const to = columns + (first_columns_[source] + c % count) * stride + row + c / count;
      for (std::int64_t at = 0; at < pixels; ++at) to[at * rows_a_pixel] = plane[at];
    }
    row += rows_a_pixel * pixels;
  }
}

/// Rows past the last are undefined.
void DetectionHead::RunBlock(const float* gathered, std::int64_t stride, std::int64_t first,
                             float* block) const {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto [kind, a, b] = steps_[i];
    float* const out = block + i * kBlock;
    const float *const x = block + a * kBlock, *const y = block + b * kBlock;
    switch (kind) {
      case kSource:
        std::copy_n(gathered + (first_columns_[a] + static_cast<std::int64_t>(b)) * stride + first, kBlock,
                    out);
        break;
      case kNumber:
        std::fill_n(out, kBlock, floats_[a]);
        break;
      case kList:
        std::copy_n(floats_.data() + a + first,
                    std::clamp<std::int64_t>(static_cast<std::int64_t>(b) - first, 0, kBlock), out);
        break;
      case kAdd:
        Each(x, y, out, [](base::Floats8 p, base::Floats8 q) { return p + q; });
        break;
      case kSubtract:
        Each(x, y, out, [](base::Floats8 p, base::Floats8 q) { return p - q; });
        break;
      case kMultiply:
        Each(x, y, out, [](base::Floats8 p, base::Floats8 q) { return p * q; });
        break;
      case kDivide:
        Each(x, y, out, [](base::Floats8 p, base::Floats8 q) { return p / q; });
        break;
      case kMax:
        Each(x, y, out, Max8);
        break;
      case kExp:
        Each(x, x, out, [](base::Floats8 p, base::Floats8) { return Exp(p); });
        break;
    }
  }
}

void DetectionHead::Run(std::span<const FeatureMap> maps,
                        const std::function<float*(std::size_t, const Shape&)>& output) const {
  const std::vector<std::int64_t> rows = CountRows(maps);
  const std::int64_t batch = maps[0].batch, most = *std::ranges::max_element(rows), stride = RoundedUp(most);
  struct Out {
    float* values;
    std::int64_t rows;
  };
  std::vector<Out> outs;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const std::int64_t own = rows[outputs_[i][0]];
    for (const std::size_t column : outputs_[i]) Check(rows[column] == own, "columns have other rows");
    outs.push_back({output(i, {batch, own, static_cast<std::int64_t>(outputs_[i].size())}), own});
  }
  thread_local std::vector<float> gathered, block;
  gathered.assign(first_columns_.back() * stride, 0);
  block.assign(steps_.size() * kBlock, 0);
  for (std::int64_t item = 0; item < batch; ++item) {
    Gather(maps, item, stride, gathered.data());
    for (std::int64_t first = 0; first < most; first += kBlock) {
      RunBlock(gathered.data(), stride, first, block.data());
      for (std::size_t i = 0; i < outputs_.size(); ++i) {
        const std::size_t width = outputs_[i].size();
        const auto [values, own] = outs[i];
        const std::int64_t count = std::min(kBlock, own - first);
        for (std::size_t c = 0; c < width; ++c) {
          const float* const from = block.data() + outputs_[i][c] * kBlock;
          float* const to = values + (item * own + first) * width + c;
          for (std::int64_t r = 0; r < count; ++r) to[r * width] = from[r];
        }
      }
    }
  }
}

}  // namespace visage::runtime
