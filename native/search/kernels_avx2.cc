#if defined(__x86_64__)

#include <immintrin.h>

#include "search/kernels.h"

namespace visage::search {
namespace {

/// Bytes between what is read and what is asked for. Half a kilobyte more or less is slower.
constexpr std::size_t kReadAhead = 1536;

/// Sixteen values of a row as 16-bit ones.
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

/// @param ahead bytes after each that is read, of which the cache line is asked for meanwhile; 0 for none.
template <std::size_t ahead>
inline std::int32_t DotOf(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  __m256i a = _mm256_setzero_si256();
  __m256i b = _mm256_setzero_si256();
  __m256i c = _mm256_setzero_si256();
  __m256i d = _mm256_setzero_si256();
  for (std::size_t i = 0; i < width; i += 64) {
    // Not to be kept: a pass over all rows would only push out what others read again.
    if constexpr (ahead > 0) _mm_prefetch(reinterpret_cast<const char*>(row + i) + ahead, _MM_HINT_NTA);
    a = _mm256_add_epi32(a, _mm256_madd_epi16(Widened(row + i), Loaded(probe + i)));
    b = _mm256_add_epi32(b, _mm256_madd_epi16(Widened(row + i + 16), Loaded(probe + i + 16)));
    c = _mm256_add_epi32(c, _mm256_madd_epi16(Widened(row + i + 32), Loaded(probe + i + 32)));
    d = _mm256_add_epi32(d, _mm256_madd_epi16(Widened(row + i + 48), Loaded(probe + i + 48)));
  }
  return Sum(_mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d)));
}

std::int32_t Dot(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  return DotOf<0>(probe, row, width);
}

// One row after the other: memory is read nearly twice as fast as by four rows at a time, although those
// would share the loads of the probe. Asking ahead is worth a fifth.
void DotRows(const std::int16_t* probe, const std::int8_t* rows, std::size_t width, std::size_t count,
             std::int32_t* products) {
  for (std::size_t row = 0; row < count; ++row) {
    products[row] = DotOf<kReadAhead>(probe, rows + row * width, width);
  }
}

std::int32_t DotCodes(const std::int8_t* a, const std::int8_t* b, std::size_t width) {
  __m256i even = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();
  for (std::size_t i = 0; i < width; i += 32) {
    even = _mm256_add_epi32(even, _mm256_madd_epi16(Widened(a + i), Widened(b + i)));
    odd = _mm256_add_epi32(odd, _mm256_madd_epi16(Widened(a + i + 16), Widened(b + i + 16)));
  }
  return Sum(_mm256_add_epi32(even, odd));
}

}  // namespace

constinit const Kernels kernels::kAvx2 = {"avx2", Dot, DotRows, DotCodes};

}  // namespace visage::search

#endif
