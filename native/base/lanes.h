#pragma once

#include <cstdint>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace visage::base {

using Floats4 = float __attribute__((vector_size(16)));
using Floats8 = float __attribute__((vector_size(32)));
using Ints8 = std::int32_t __attribute__((vector_size(32)));

inline Floats8 BytesAsFloats(const std::uint8_t* from) {
#ifdef __AVX2__
  // GCC 12 converts byte by byte without the intrinsic.
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadu_si64(from)));
#else
  using Bytes8 = std::uint8_t __attribute__((vector_size(8)));
  Bytes8 bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, Floats8);
#endif
}

}  // namespace visage::base
