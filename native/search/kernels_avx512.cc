#if defined(__x86_64__)

#include <immintrin.h>

#include "search/kernels.h"

// The instruction sets are asked for by function, not by file: what this file shares with others (inline
// functions of headers) must run on every processor.
#define VISAGE_BW [[gnu::target("avx512f,avx512bw")]]
#define VISAGE_VNNI [[gnu::target("avx512f,avx512bw,avx512vnni")]]

namespace visage {
namespace {

/// Thirty-two values of a row as 16-bit ones.
VISAGE_BW inline __m512i Widened(const std::int8_t* values) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values)));
}

VISAGE_BW inline __m512i Loaded(const std::int16_t* values) { return _mm512_loadu_si512(values); }

VISAGE_BW inline __m512i Multiplied(__m512i sums, __m512i a, __m512i b) {
  return _mm512_add_epi32(sums, _mm512_madd_epi16(a, b));
}

VISAGE_BW std::int32_t Dot(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  __m512i even = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();
  for (std::size_t i = 0; i < width; i += 64) {
    even = Multiplied(even, Widened(row + i), Loaded(probe + i));
    odd = Multiplied(odd, Widened(row + i + 32), Loaded(probe + i + 32));
  }
  return _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
}

VISAGE_BW void DotRows(const std::int16_t* probe, const std::int8_t* rows, std::size_t width,
                       std::size_t count, std::int32_t* products) {
  std::size_t row = 0;
  // Four rows share each load of the probe.
  for (; row + 4 <= count; row += 4) {
    const std::int8_t* at = rows + row * width;
    __m512i a = _mm512_setzero_si512();
    __m512i b = _mm512_setzero_si512();
    __m512i c = _mm512_setzero_si512();
    __m512i d = _mm512_setzero_si512();
    for (std::size_t i = 0; i < width; i += 32, at += 32) {
      const __m512i values = Loaded(probe + i);
      a = Multiplied(a, Widened(at), values);
      b = Multiplied(b, Widened(at + width), values);
      c = Multiplied(c, Widened(at + 2 * width), values);
      d = Multiplied(d, Widened(at + 3 * width), values);
    }
    products[row] = _mm512_reduce_add_epi32(a);
    products[row + 1] = _mm512_reduce_add_epi32(b);
    products[row + 2] = _mm512_reduce_add_epi32(c);
    products[row + 3] = _mm512_reduce_add_epi32(d);
  }
  for (; row < count; ++row) products[row] = Dot(probe, rows + row * width, width);
}

VISAGE_BW std::int32_t DotCodes(const std::int8_t* a, const std::int8_t* b, std::size_t width) {
  __m512i even = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();
  for (std::size_t i = 0; i < width; i += 64) {
    even = Multiplied(even, Widened(a + i), Widened(b + i));
    odd = Multiplied(odd, Widened(a + i + 32), Widened(b + i + 32));
  }
  return _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
}

// With VNNI multiplying and adding is one instruction.

VISAGE_VNNI std::int32_t VnniDot(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  __m512i even = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();
  for (std::size_t i = 0; i < width; i += 64) {
    even = _mm512_dpwssd_epi32(even, Widened(row + i), Loaded(probe + i));
    odd = _mm512_dpwssd_epi32(odd, Widened(row + i + 32), Loaded(probe + i + 32));
  }
  return _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
}

VISAGE_VNNI void VnniDotRows(const std::int16_t* probe, const std::int8_t* rows, std::size_t width,
                             std::size_t count, std::int32_t* products) {
  std::size_t row = 0;
  for (; row + 4 <= count; row += 4) {
    const std::int8_t* at = rows + row * width;
    __m512i a = _mm512_setzero_si512();
    __m512i b = _mm512_setzero_si512();
    __m512i c = _mm512_setzero_si512();
    __m512i d = _mm512_setzero_si512();
    for (std::size_t i = 0; i < width; i += 32, at += 32) {
      const __m512i values = Loaded(probe + i);
      a = _mm512_dpwssd_epi32(a, Widened(at), values);
      b = _mm512_dpwssd_epi32(b, Widened(at + width), values);
      c = _mm512_dpwssd_epi32(c, Widened(at + 2 * width), values);
      d = _mm512_dpwssd_epi32(d, Widened(at + 3 * width), values);
    }
    products[row] = _mm512_reduce_add_epi32(a);
    products[row + 1] = _mm512_reduce_add_epi32(b);
    products[row + 2] = _mm512_reduce_add_epi32(c);
    products[row + 3] = _mm512_reduce_add_epi32(d);
  }
  for (; row < count; ++row) products[row] = VnniDot(probe, rows + row * width, width);
}

}  // namespace

constinit const Kernels kernels::kAvx512Bw = {"avx512bw", Dot, DotRows, DotCodes};
constinit const Kernels kernels::kAvx512Vnni = {"avx512vnni", VnniDot, VnniDotRows, DotCodes};

}  // namespace visage

#endif
