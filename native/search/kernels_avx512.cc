#if defined(__x86_64__)

// GCC 12 warns of the header's undefined registers (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include "search/kernels.h"

// Per function, because inline functions of headers must run on every processor.
#define VISAGE_BW [[gnu::target("avx512f,avx512bw")]]
#define VISAGE_VNNI [[gnu::target("avx512f,avx512bw,avx512vnni")]]

namespace visage::search {
namespace {

/// Prefetch distance in bytes.
constexpr std::size_t kReadAhead = 1024;

VISAGE_BW inline __m512i Widened(const std::int8_t* values) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values)));
}

VISAGE_BW inline __m512i Loaded(const std::int16_t* values) { return _mm512_loadu_si512(values); }

VISAGE_BW inline void ReadAhead(const std::int8_t* row) {
  _mm_prefetch(reinterpret_cast<const char*>(row) + kReadAhead, _MM_HINT_T0);
}

template <bool has_ahead>
VISAGE_BW inline std::int32_t DotOf(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  __m512i even = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 64 <= width; i += 64) {
    if constexpr (has_ahead) ReadAhead(row + i);
    even = _mm512_add_epi32(even, _mm512_madd_epi16(Widened(row + i), Loaded(probe + i)));
    odd = _mm512_add_epi32(odd, _mm512_madd_epi16(Widened(row + i + 32), Loaded(probe + i + 32)));
  }
  if (i < width) even = _mm512_add_epi32(even, _mm512_madd_epi16(Widened(row + i), Loaded(probe + i)));
  return _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
}

VISAGE_BW std::int32_t Dot(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  return DotOf<false>(probe, row, width);
}

VISAGE_BW void DotRows(const std::int16_t* probe, const std::int8_t* rows, std::size_t width,
                       std::size_t count, std::int32_t* products) {
  for (std::size_t row = 0; row < count; ++row) products[row] = DotOf<true>(probe, rows + row * width, width);
}

template <bool has_ahead>
VISAGE_VNNI inline std::int32_t VnniDotOf(const std::int16_t* probe, const std::int8_t* row,
                                          std::size_t width) {
  __m512i even = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 64 <= width; i += 64) {
    if constexpr (has_ahead) ReadAhead(row + i);
    even = _mm512_dpwssd_epi32(even, Widened(row + i), Loaded(probe + i));
    odd = _mm512_dpwssd_epi32(odd, Widened(row + i + 32), Loaded(probe + i + 32));
  }
  if (i < width) even = _mm512_dpwssd_epi32(even, Widened(row + i), Loaded(probe + i));
  return _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
}

VISAGE_VNNI std::int32_t VnniDot(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  return VnniDotOf<false>(probe, row, width);
}

VISAGE_VNNI void VnniDotRows(const std::int16_t* probe, const std::int8_t* rows, std::size_t width,
                             std::size_t count, std::int32_t* products) {
  for (std::size_t row = 0; row < count; ++row)
    products[row] = VnniDotOf<true>(probe, rows + row * width, width);
}

}  // namespace

constinit const Kernels kernels::kAvx512Bw = {"avx512bw", Dot, DotRows};
constinit const Kernels kernels::kAvx512Vnni = {"avx512vnni", VnniDot, VnniDotRows};

}  // namespace visage::search

#endif
