#if defined(__x86_64__)

#include <immintrin.h>

#include "search/kernels.h"

namespace visage::search {
namespace {

/// Prefetch distance in bytes. Half a kilobyte more or less is slower.
constexpr std::size_t kReadAhead = 1536;

inline __m256i Widened(const std::int8_t* values) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values)));
}

inline __m256i Loaded(const std::int16_t* values) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values));
}

inline std::int32_t Sum(__m256i sums) {
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, _MM_SHUFFLE(1, 0, 3, 2)));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(half);
}

/// @param ahead 0 for no prefetch.
template <std::size_t ahead>
inline std::int32_t DotOf(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  __m256i even = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();
  for (std::size_t i = 0; i < width; i += 32) {
    // Non-temporal, because a scan would only evict other data.
    if constexpr (ahead > 0) _mm_prefetch(reinterpret_cast<const char*>(row + i) + ahead, _MM_HINT_NTA);
    even = _mm256_add_epi32(even, _mm256_madd_epi16(Widened(row + i), Loaded(probe + i)));
    odd = _mm256_add_epi32(odd, _mm256_madd_epi16(Widened(row + i + 16), Loaded(probe + i + 16)));
  }
  return Sum(_mm256_add_epi32(even, odd));
}

std::int32_t Dot(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  return DotOf<0>(probe, row, width);
}

// Nearly twice as fast as four rows at a time. Prefetching saves a fifth.
void DotRows(const std::int16_t* probe, const std::int8_t* rows, std::size_t width, std::size_t count,
             std::int32_t* products) {
  for (std::size_t row = 0; row < count; ++row) {
    products[row] = DotOf<kReadAhead>(probe, rows + row * width, width);
  }
}

}  // namespace

constinit const Kernels kernels::kAvx2 = {"avx2", Dot, DotRows};

}  // namespace visage::search

#endif
