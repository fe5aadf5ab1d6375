#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace visage::base {

/// In place. @param values must not be empty.
inline void Softmax(std::span<float> values) {
  const float largest = *std::ranges::max_element(values);
  float sum = 0;
  for (float& value : values) sum += value = std::exp(value - largest);
  for (float& value : values) value /= sum;
}

}  // namespace visage::base
