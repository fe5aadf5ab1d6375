#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "base/lanes.h"

namespace visage {

inline Floats8 Load8(const float* from) {
  Floats8 values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

inline void Store8(float* to, Floats8 values) { std::memcpy(to, &values, sizeof values); }

inline Floats8 All8(float value) { return Floats8{value, value, value, value, value, value, value, value}; }

/// `v` where it is positive, `slope * v` where it is not.
inline Floats8 Bend(Floats8 v, Floats8 slope) { return v > 0 ? v : v * slope; }

inline Floats8 Larger(Floats8 a, Floats8 b) { return a > b ? a : b; }

inline Floats8 Magnitude(Floats8 v) {
#ifdef __AVX2__
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
#else
  return v < 0 ? -v : v;
#endif
}

/// @param values none below 0.
inline float LargestOf(Floats8 values) {
#ifdef __AVX2__
  __m128 most = _mm_max_ps(_mm256_castps256_ps128(values), _mm256_extractf128_ps(values, 1));
  most = _mm_max_ps(most, _mm_movehl_ps(most, most));
  return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
#else
  float most = 0;
  for (int i = 0; i < 8; ++i) most = std::max(most, values[i]);
  return most;
#endif
}

/// Sixteen floats times a factor, rounded to the nearest integer, to the even one of two. What does not fit
/// into 16 bits is undefined.
inline void ToIntegers16(const float* from, float factor, std::int16_t* to) {
#ifdef __AVX2__
  const __m256 factors = _mm256_set1_ps(factor);
  const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from), factors));
  const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from + 8), factors));
  constexpr int kInOrder = 0b11'01'10'00;
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), kInOrder);
  std::memcpy(to, &packed, sizeof packed);
#else
  for (int i = 0; i < 16; ++i) to[i] = static_cast<std::int16_t>(std::lrint(from[i] * factor));
#endif
}

/// e to the power of each, to within two units of the last place; what would be below 2^-126 or beyond 2^127
/// is about that. Reduced to |r| <= ln 2 / 2 by Cody and Waite, then the polynomial of Cephes' `expf`.
inline Floats8 Exp(Floats8 x) {
  using Integers8 = std::int32_t __attribute__((vector_size(32)));
  const Floats8 least = All8(-87.33f), most = All8(88.02f);
  x = x < least ? least : x;
  x = x > most ? most : x;
  // Added to a float of at most 2^22, it leaves the nearest whole number in the last bits.
  const Floats8 magic = All8(12582912.0f);
  const Floats8 shifted = x * 1.44269504f + magic;
  const Floats8 whole = shifted - magic;
  const Floats8 r = x - whole * 0.693359375f - whole * -2.12194440e-4f;
  Floats8 p = All8(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const Floats8 y = p * r * r + r + 1.0f;
  const Integers8 power = (Integers8)shifted << 23;
  return (Floats8)((Integers8)y + power);
}

/// While it lives, floats of less than 2^-126 count as zero on this thread. Networks have channels that
/// training let die, full of such floats, and x86 works on each of them for a hundred cycles.
class FlushDenormals {
 public:
#ifdef __AVX2__
  FlushDenormals() : before_(_mm_getcsr()) {
    _mm_setcsr(before_ | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON);
  }
  ~FlushDenormals() { _mm_setcsr(before_); }
#else
  FlushDenormals() = default;
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#ifdef __AVX2__
  unsigned int before_;
#endif
};

}  // namespace visage
