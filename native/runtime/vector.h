#pragma once

#include <cstdint>
#include <cstring>

namespace visage {

/// Eight floats that are worked on at once, on any processor that the compiler knows.
using Floats8 = float __attribute__((vector_size(32)));

inline Floats8 Load8(const float* from) {
  Floats8 values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

inline void Store8(float* to, Floats8 values) { std::memcpy(to, &values, sizeof values); }

inline Floats8 All8(float value) { return Floats8{value, value, value, value, value, value, value, value}; }

/// `v` where it is positive, `slope * v` where it is not.
inline Floats8 Bend(Floats8 v, Floats8 slope) { return v > 0 ? v : v * slope; }

}  // namespace visage
