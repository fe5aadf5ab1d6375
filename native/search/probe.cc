#include "search/probe.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "search/kernels.h"

namespace visage::search {
namespace {

constexpr double kMostValue = 32767;
/// Limit of the sum of magnitudes, see Kernels.
constexpr double kMostSum = (1 << 24) - 1;

}  // namespace

Probe::Probe(std::span<const float> vector) : lines_(PaddedDimension(vector.size()) / 32) {
  double most = 0;
  double sum = 0;
  for (const float value : vector) {
    most = std::max(most, std::abs(static_cast<double>(value)));
    sum += std::abs(static_cast<double>(value));
  }
  if (most == 0) return;
  const double spare = static_cast<double>(vector.size()) / 2;
  const double factor = std::min(kMostValue / most, (kMostSum - spare) / sum);
  double squares = 0;
  double product = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const double value = std::nearbyint(vector[i] * factor);
    lines_[i / 32].values[i % 32] = static_cast<std::int16_t>(value);
    squares += value * value;
    product += value * vector[i];
  }
  // Least squares: 1 / factor is worse if many numbers round the same way.
  scale_ = product / squares;
  length_ = std::nextafter(static_cast<float>(std::sqrt(squares)), std::numeric_limits<float>::infinity());
}

}  // namespace visage::search
