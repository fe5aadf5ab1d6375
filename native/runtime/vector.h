#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "base/lanes.h"

namespace visage::runtime {

inline base::Floats8 Load8(const float* from) {
  base::Floats8 values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

inline void Store8(float* to, base::Floats8 values) { std::memcpy(to, &values, sizeof values); }

inline base::Floats8 Broadcast8(float value) {
  return base::Floats8{value, value, value, value, value, value, value, value};
}

inline base::Floats8 PReLU(base::Floats8 v, base::Floats8 slope) { return v > 0 ? v : v * slope; }

inline base::Floats8 Max8(base::Floats8 a, base::Floats8 b) { return a > b ? a : b; }

inline base::Floats8 Abs8(base::Floats8 v) {
#ifdef __AVX2__
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
#else
  return v < 0 ? -v : v;
#endif
}

/// @param values at least 0.
inline float HorizontalMax(base::Floats8 values) {
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

/// Rounds half to even. Results beyond 16 bits are undefined.
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

/// Accurate to two units in the last place; clamps to about 2^-126..2^127. Cody and Waite's reduction, then
/// Cephes' polynomial of `expf`.
inline base::Floats8 Exp(base::Floats8 x) {
  using Integers8 = std::int32_t __attribute__((vector_size(32)));
  const base::Floats8 least = Broadcast8(-87.33f), most = Broadcast8(88.02f);
  x = x < least ? least : x;
  x = x > most ? most : x;
  const base::Floats8 magic = Broadcast8(12582912.0f);
  const base::Floats8 shifted = x * 1.44269504f + magic;
  const base::Floats8 whole = shifted - magic;
  const base::Floats8 r = x - whole * 0.693359375f - whole * -2.12194440e-4f;
  base::Floats8 p = Broadcast8(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const base::Floats8 y = p * r * r + r + 1.0f;
  const Integers8 power = (Integers8)shifted << 23;
  return (base::Floats8)((Integers8)y + power);
}

/// Dead channels are full of denormals; each costs x86 a hundred cycles.
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

}  // namespace visage::runtime
