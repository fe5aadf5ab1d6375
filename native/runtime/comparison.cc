#include "runtime/comparison.h"

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <future>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace visage::runtime {
namespace {

struct Values {
  InferenceSession::Shape shape;
  std::vector<float> floats;
};
using Outputs = std::vector<Values>;

double ThreadMs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

Outputs OutputsOf(const InferenceSession& session, const InferenceSession::Shape& shape,
                  std::span<const float> input, double& least) {
  std::vector<float> copy(input.begin(), input.end());
  Outputs outputs;
  const double began = ThreadMs();
  session.Run(copy, shape, [&](std::span<const InferenceSession::Output> made) {
    least = std::min(least, ThreadMs() - began);
    for (const InferenceSession::Output& output : made) {
      outputs.push_back({output.shape, {output.values.begin(), output.values.end()}});
    }
  });
  return outputs;
}

/// ONNX Runtime's `Sigmoid` is off by about 1e-7: half a per cent of the scores of 2e-5 that YuNet gives.
constexpr double kInexact = 1e-6;

Comparison CompareOutputs(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0, norm_a = 0, norm_b = 0, largest = 0, apart = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = std::abs(x - b[i]) <= kInexact ? x : b[i];
    product += x * y;
    norm_a += x * x;
    norm_b += y * y;
    largest = std::max(largest, std::abs(x));
    apart = std::max(apart, std::abs(x - y));
  }
  // std::max ignores a NaN; sums propagate it.
  const double cosine = product / std::sqrt(norm_a * norm_b);
  return {.cosine = cosine, .difference = std::isnan(cosine) ? cosine : apart / largest};
}

double Worse(double a, double b, bool a_is_worse) { return std::isnan(a) || a_is_worse ? a : b; }

void Note(const Outputs& a, const Outputs& b, Comparison& worst) {
  if (!std::ranges::equal(a, b, {}, &Values::shape, &Values::shape)) {
    throw base::Error(base::ErrorCode::kInternal,
                      "The two networks differ in the shapes of their input or outputs");
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Comparison here = CompareOutputs(a[i].floats, b[i].floats);
    worst.cosine = Worse(here.cosine, worst.cosine, here.cosine < worst.cosine);
    worst.difference = Worse(here.difference, worst.difference, here.difference > worst.difference);
  }
}

}  // namespace

Comparison Compare(const std::string& original, const Network& changed, std::span<const float> inputs,
                   InferenceSession::Shape shape) {
  const InferenceSession first({original}, InferenceSession::Sizes::kFree);
  const InferenceSession second(changed, InferenceSession::Sizes::kFree);
  if (first.input_shape() != second.input_shape()) {
    throw base::Error(base::ErrorCode::kInternal,
                      "The two networks differ in the shapes of their input or outputs");
  }
  if (shape.empty()) shape = first.input_shape();
  const auto product = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  const std::size_t size = product > 0 ? static_cast<std::size_t>(product) : 0;
  if (size == 0 || inputs.empty() || inputs.size() % size != 0) {
    throw base::Error(base::ErrorCode::kInternal, "The networks take inputs of " + std::to_string(size) +
                                                      " floats, " + std::to_string(inputs.size()) +
                                                      " were given");
  }
  const std::size_t count = inputs.size() / size;
  const auto input = [&](std::size_t i) { return inputs.subspan(i % count * size, size); };
  Comparison worst;
  worst.original_ms = worst.changed_ms = std::numeric_limits<double>::infinity();
  const auto together = static_cast<std::size_t>(changed.device.max_batch);
  std::vector<Outputs> expected;
  for (std::size_t i = 0; i < count; ++i) {
    expected.push_back(OutputsOf(first, shape, input(i), worst.original_ms));
    // Networks may treat batches differently.
    if (i == 0 || together == 1) {
      Note(expected[i], OutputsOf(second, shape, input(i), worst.changed_ms), worst);
    }
  }
  for (std::size_t i = 0; i < count && together > 1; i += together) {
    std::vector<std::future<Outputs>> batch;
    for (std::size_t j = i; j < i + together; ++j) {
      batch.push_back(std::async(std::launch::async, [&, j] {
        double ms = 0;
        return OutputsOf(second, shape, input(j), ms);
      }));
    }
    for (std::size_t j = i; j < i + together; ++j) Note(expected[j % count], batch[j - i].get(), worst);
  }
  return worst;
}

std::string RuntimeVersion() { return OrtGetApiBase()->GetVersionString(); }

}  // namespace visage::runtime
