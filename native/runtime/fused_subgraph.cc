#include "runtime/fused_subgraph.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "runtime/vector.h"

namespace visage::runtime {
namespace {

enum Kind : std::int64_t { kDense = 0, kDepthwise = 1, kSum = 2, kPool = 3, kDoubled = 4 };

constexpr std::int64_t kMostChannels = 1 << 16;
constexpr std::int64_t kMostSize = 1 << 10;

[[noreturn]] void ThrowInvalid(const std::string& what) {
  throw base::Error(base::ErrorCode::kInternal, "Invalid fused subgraph: " + what);
}

void Check(bool holds, const char* what) {
  if (!holds) ThrowInvalid(what);
}

std::vector<float> PaddedList(std::span<const float> values) {
  std::vector<float> padded(Padded(static_cast<int>(values.size())));
  std::ranges::copy(values, padded.begin());
  return padded;
}

class Weights {
 public:
  explicit Weights(std::span<const float> all) : rest_(all) {}

  std::span<const float> Take(std::int64_t count) {
    Check(count >= 0 && static_cast<std::size_t>(count) <= rest_.size(), "weights are missing");
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  bool is_empty() const { return rest_.empty(); }

 private:
  std::span<const float> rest_;
};

Epilogue TakeEpilogue(Weights& weights, std::int64_t outputs) {
  std::vector<float> bias = PaddedList(weights.Take(outputs));
  return {std::move(bias), PaddedList(weights.Take(outputs))};
}

ConvGeometry GeometryOf(std::span<const std::int64_t> numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::int64_t least = i < 6 ? 1 : 0;
    Check(numbers[i] >= least && numbers[i] <= kMostSize, "a window is out of range");
  }
  const auto at = [&](std::size_t i) { return static_cast<int>(numbers[i]); };
  return {at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9)};
}

void ToPlanes(const FeatureMap& maps, float* out) {
  // Pixels whose cache lines stay cached.
  constexpr int kBlock = 64;
  const int pixels = maps.pixels();
  for (int c = 0; c < maps.channels; c += kLane) {
    const float* const plane = maps.Row(c / kLane, 0);
    const int here = std::min(kLane, maps.channels - c);
    for (int first = 0; first < pixels; first += kBlock) {
      const int end = std::min(pixels, first + kBlock);
      for (int i = 0; i < here; ++i) {
        float* const to = out + static_cast<std::ptrdiff_t>(c + i) * pixels;
        for (int at = first; at < end; ++at) to[at] = plane[static_cast<std::ptrdiff_t>(at) * kLane + i];
      }
    }
  }
}

void Add(const FeatureMap& a, const float* b, const std::vector<float>& slope, const FeatureMap& out) {
  for (int plane = 0; plane < a.planes(); ++plane) {
    const base::Floats8 low = Load8(&slope[plane * kLane]), high = Load8(&slope[plane * kLane + 8]);
    const std::ptrdiff_t end = (plane + 1) * a.plane_size();
    for (std::ptrdiff_t at = plane * a.plane_size(); at < end; at += kLane) {
      Store8(out.values + at, PReLU(Load8(a.values + at) + Load8(b + at), low));
      Store8(out.values + at + 8, PReLU(Load8(a.values + at + 8) + Load8(b + at + 8), high));
    }
  }
}

void TakeMaxima(const FeatureMap& in, const FeatureMap& out) {
  for (int plane = 0; plane < out.planes(); ++plane) {
    for (int y = 0; y < out.height; ++y) {
      const float* top = in.Row(plane, 2 * y);
      const float* bottom = in.Row(plane, 2 * y + 1);
      float* to = out.Row(plane, y);
      for (int x = 0; x < out.width; ++x, top += 2 * kLane, bottom += 2 * kLane, to += kLane) {
        for (int half = 0; half < kLane; half += 8) {
          const base::Floats8 left = Max8(Load8(top + half), Load8(bottom + half));
          const base::Floats8 right = Max8(Load8(top + kLane + half), Load8(bottom + kLane + half));
          Store8(to + half, Max8(left, right));
        }
      }
    }
  }
}

void Double(const FeatureMap& in, const FeatureMap& out) {
  for (int plane = 0; plane < in.planes(); ++plane) {
    for (int y = 0; y < in.height; ++y) {
      const float* from = in.Row(plane, y);
      float* const to = out.Row(plane, 2 * y);
      for (int x = 0; x < in.width; ++x, from += kLane) {
        std::copy_n(from, kLane, to + (2 * x) * kLane);
        std::copy_n(from, kLane, to + (2 * x + 1) * kLane);
      }
      std::copy_n(to, static_cast<std::ptrdiff_t>(out.width) * kLane, out.Row(plane, 2 * y + 1));
    }
  }
}

}  // namespace

FusedSubgraph::FusedSubgraph(std::span<const std::int64_t> steps, std::span<const std::int64_t> outputs,
                             std::span<const float> weights) {
  Check(!steps.empty() && steps.size() % kStepNumbers == 0, "a step is cut off");
  Weights rest(weights);
  std::vector<std::int64_t> channels = {steps[4]};
  Check(channels[0] > 0 && channels[0] <= kMostChannels, "channels are out of range");
  input_channels_ = static_cast<int>(channels[0]);
  for (; !steps.empty(); steps = steps.subspan(kStepNumbers)) {
    const auto made = static_cast<std::int64_t>(channels.size());
    const std::int64_t kind = steps[0], input = steps[1], added = steps[2], reads = steps[4],
                       makes = steps[5];
    Check(steps[3] == made, "values are not in their order");
    Check(input >= 0 && input < made && added >= 0 && added < made, "a step reads what is not there yet");
    Check(makes > 0 && makes <= kMostChannels && channels[input] == reads, "channels are out of range");
    Check(added == 0 || channels[added] == makes, "what is added has other channels");
    // Only a dense convolution can read lane 1.
    Check(input > 0 || kind == kDense, "the input is read by something else than a dense convolution");
    const ConvGeometry geometry = GeometryOf(steps.subspan(6, kStepNumbers - 6));
    const int inputs = static_cast<int>(reads), count = static_cast<int>(makes);
    const auto work = [&]() -> decltype(Step::work) {
      switch (kind) {
        case kDense: {
          const auto values = rest.Take(makes * reads * geometry.size());
          if (input == 0) {
            Check(added == 0, "something is added to a convolution of the input");
            return ImageConvolution(geometry, inputs, count, values, TakeEpilogue(rest, makes));
          }
          return DenseConvolution(geometry, inputs, count, values, TakeEpilogue(rest, makes));
        }
        case kDepthwise: {
          Check(reads == makes && added == 0, "a depthwise convolution makes what it reads");
          const auto values = rest.Take(makes * geometry.size());
          return DepthwiseConvolution(geometry, count, values, TakeEpilogue(rest, makes));
        }
        case kSum:
          Check(reads == makes && added > 0, "a sum has two parts of one kind");
          return Sum{PaddedList(rest.Take(makes))};
        case kPool:
          Check(reads == makes && added == 0 && geometry.is_halving(), "a pool is not of 2 x 2 pixels");
          return Pool();
        case kDoubled:
          Check(reads == makes && added == 0 && geometry.is_point(), "a doubling has a window");
          return Doubled();
        default:
          ThrowInvalid("a step is of no known kind");
      }
    };
    steps_.push_back({static_cast<int>(input), static_cast<int>(added), count, geometry, work()});
    channels.push_back(makes);
  }
  Check(rest.is_empty(), "weights are left over");
  for (const std::int64_t output : outputs) {
    Check(output > 0 && output < static_cast<std::int64_t>(channels.size()), "an output is not made");
    outputs_.push_back(static_cast<int>(output));
  }
  AssignSlots();
}

void FusedSubgraph::AssignSlots() {
  const std::size_t values = steps_.size() + 1;
  std::vector<std::size_t> last_use(values, 0);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    last_use[steps_[i].input] = i;
    if (steps_[i].added > 0) last_use[steps_[i].added] = i;
  }
  for (const int output : outputs_) last_use[output] = steps_.size();
  std::vector<int> free;
  int slots = 0;
  slots_ = {-1};
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (free.empty()) free.push_back(slots++);
    slots_.push_back(free.back());
    free.pop_back();
    for (std::size_t value = 1; value <= i; ++value) {
      if (last_use[value] == i) free.push_back(slots_[value]);
    }
  }
}

void FusedSubgraph::Run(const float* input, const Shape& shape,
                        const std::function<float*(std::size_t)>& allocate,
                        const std::function<float*(std::size_t, const Shape&)>& output) const {
  constexpr std::int64_t kMostSide = 1 << 14;
  Check(shape.channels == input_channels_ && shape.height > 0 && shape.height <= kMostSide &&
            shape.width > 0 && shape.width <= kMostSide,
        "the input has another shape");
  std::vector<FeatureMap> values = {{.values = nullptr,
                                     .height = static_cast<int>(shape.height),
                                     .width = static_cast<int>(shape.width),
                                     .channels = input_channels_,
                                     .lane = 1}};
  for (const Step& step : steps_) {
    const FeatureMap& in = values[step.input];
    const int factor = std::holds_alternative<Doubled>(step.work) ? 2 : 1;
    const FeatureMap out = {.values = nullptr,
                            .height = factor * step.geometry.OutputHeight(in.height),
                            .width = factor * step.geometry.OutputWidth(in.width),
                            .channels = step.channels};
    Check(out.height > 0 && out.width > 0 && out.height <= kMostSide && out.width <= kMostSide,
          "a window is larger than what it is laid on");
    if (step.added > 0) {
      const FeatureMap& added = values[step.added];
      Check(added.height == out.height && added.width == out.width, "what is added has another size");
    }
    values.push_back(out);
  }
  std::vector<std::size_t> sizes;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const auto slot = static_cast<std::size_t>(slots_[i]);
    if (slot >= sizes.size()) sizes.resize(slot + 1);
    sizes[slot] = std::max(sizes[slot], static_cast<std::size_t>(values[i].size()));
  }
  std::size_t total = 0;
  for (std::size_t& size : sizes) total += std::exchange(size, total);
  float* const memory = allocate(total);
  for (std::size_t i = 1; i < values.size(); ++i) values[i].values = memory + sizes[slots_[i]];

  std::vector<float*> planes;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const FeatureMap& maps = values[outputs_[i]];
    planes.push_back(output(i, {shape.batch, maps.channels, maps.height, maps.width}));
  }
  const auto size_of = [](const FeatureMap& maps) {
    return static_cast<std::ptrdiff_t>(maps.channels) * maps.height * maps.width;
  };
  const FlushDenormals flush;
  for (std::int64_t item = 0; item < shape.batch; ++item) {
    values[0].values = const_cast<float*>(input) + item * size_of(values[0]);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const FeatureMap& in = values[steps_[i].input];
      const FeatureMap& out = values[i + 1];
      const float* added = steps_[i].added > 0 ? values[steps_[i].added].values : nullptr;
      if (const auto* dense = std::get_if<DenseConvolution>(&steps_[i].work)) {
        dense->Run(in, added, out);
      } else if (const auto* depthwise = std::get_if<DepthwiseConvolution>(&steps_[i].work)) {
        depthwise->Run(in, out);
      } else if (const auto* picture = std::get_if<ImageConvolution>(&steps_[i].work)) {
        picture->Run(in, out);
      } else if (const auto* sum = std::get_if<Sum>(&steps_[i].work)) {
        Add(in, added, sum->slope, out);
      } else if (std::holds_alternative<Pool>(steps_[i].work)) {
        TakeMaxima(in, out);
      } else {
        Double(in, out);
      }
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const FeatureMap& maps = values[outputs_[i]];
      ToPlanes(maps, planes[i] + item * size_of(maps));
    }
  }
}

}  // namespace visage::runtime
