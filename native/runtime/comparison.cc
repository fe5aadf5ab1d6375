#include "runtime/comparison.h"

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <vector>

#include "base/error.h"
#include "runtime/session.h"

namespace visage {
namespace {

using Outputs = std::vector<std::vector<float>>;

/// Milliseconds of processor time of this thread, on which a run is computed.
double ThreadMs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

/// @param least is lowered to the time of the run, if that is less.
Outputs OutputsOf(const Session& session, std::vector<float>& input, double& least) {
  Outputs outputs;
  for (std::size_t i = 0; i < session.output_shapes().size(); ++i)
    outputs.emplace_back(session.output_size(i));
  const std::vector<std::span<float>> buffers(outputs.begin(), outputs.end());
  const double began = ThreadMs();
  session.Run(input, buffers);
  least = std::min(least, ThreadMs() - began);
  return outputs;
}

/// Of two outputs of one size.
Comparison CompareOutputs(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0, norm_a = 0, norm_b = 0, largest = 0, apart = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    product += x * y;
    norm_a += x * x;
    norm_b += y * y;
    largest = std::max(largest, std::abs(x));
    apart = std::max(apart, std::abs(x - y));
  }
  // std::max passes over a NaN, the sums do not.
  const double cosine = product / std::sqrt(norm_a * norm_b);
  return {.cosine = cosine, .difference = std::isnan(cosine) ? cosine : apart / largest};
}

/// A NaN is worse than every number.
double Worse(double a, double b, bool a_is_worse) { return std::isnan(a) || a_is_worse ? a : b; }

}  // namespace

Comparison Compare(const std::string& original, const std::string& changed, std::span<const float> inputs) {
  const Session first(original);
  const Session second(changed);
  if (first.input_size() != second.input_size() || first.output_shapes() != second.output_shapes()) {
    throw Error(ErrorCode::kInternal, "The two networks differ in the shapes of their input or outputs");
  }
  if (inputs.empty() || inputs.size() % first.input_size() != 0) {
    throw Error(ErrorCode::kInternal, "The networks take inputs of " + std::to_string(first.input_size()) +
                                          " floats, " + std::to_string(inputs.size()) + " were given");
  }
  Comparison worst;
  worst.original_ms = worst.changed_ms = std::numeric_limits<double>::infinity();
  for (; !inputs.empty(); inputs = inputs.subspan(first.input_size())) {
    std::vector<float> input(inputs.begin(),
                             inputs.begin() + static_cast<std::ptrdiff_t>(first.input_size()));
    const Outputs a = OutputsOf(first, input, worst.original_ms);
    const Outputs b = OutputsOf(second, input, worst.changed_ms);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const Comparison here = CompareOutputs(a[i], b[i]);
      worst.cosine = Worse(here.cosine, worst.cosine, here.cosine < worst.cosine);
      worst.difference = Worse(here.difference, worst.difference, here.difference > worst.difference);
    }
  }
  return worst;
}

std::string RuntimeVersion() { return OrtGetApiBase()->GetVersionString(); }

}  // namespace visage
