#include "runtime/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/vector.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace visage {
namespace {

/// Sums of two inputs' products are made before anything is added, so a row's integers stay below 2^15.
constexpr double kMostInteger = 32767;
constexpr double kMostSum = 2147483647;

using Integers8 = std::int32_t __attribute__((vector_size(32)));

constexpr int kRows = FixedPointMatrix::kRows;

/// The sums of `kRows` rows for `kLane` outputs.
struct Sums {
  Integers8 values[kRows][2];
};

/// Sums of products of 16-bit integers.
/// @param rows integers of the first row, with `stride` of them from a row to the next.
/// @param weights for each two inputs, two integers an output.
/// @param pairs of inputs, a multiple of 2.
#ifdef __AVX2__
/// Written out, since the compiler has no use of sixteen registers for twelve sums, and keeps some in memory.
Sums SumsOfProducts(const std::int16_t* rows, std::ptrdiff_t stride, const std::int16_t* weights, int pairs) {
  Integers8 s00, s01, s10, s11, s20, s21, s30, s31, s40, s41, s50, s51;
  const std::int16_t* const end = weights + static_cast<std::ptrdiff_t>(pairs) * 2 * kLane;
  const std::ptrdiff_t one = stride * static_cast<std::ptrdiff_t>(sizeof(std::int16_t));
// One row's pair against the weights in ymm14 and ymm15.
#define VISAGE_ROW(place, low, high)       \
  "vpbroadcastd " place                    \
  ", %%ymm12\n\t"                          \
  "vpmaddwd %%ymm12, %%ymm14, %%ymm13\n\t" \
  "vpaddd %%ymm13, %[" low "], %[" low     \
  "]\n\t"                                  \
  "vpmaddwd %%ymm12, %%ymm15, %%ymm13\n\t" \
  "vpaddd %%ymm13, %[" high "], %[" high "]\n\t"
#define VISAGE_PAIR(at, next)                                                                               \
  "vmovdqu " at                                                                                             \
  "(%[weights]), %%ymm14\n\t"                                                                               \
  "vmovdqu " at "+32(%[weights]), %%ymm15\n\t" VISAGE_ROW(next "(%[rows])", "s00", "s01")                   \
      VISAGE_ROW(next "(%[rows],%[one])", "s10", "s11") VISAGE_ROW(next "(%[rows],%[one],2)", "s20", "s21") \
          VISAGE_ROW(next "(%[rows],%[three])", "s30", "s31")                                               \
              VISAGE_ROW(next "(%[rows],%[one],4)", "s40", "s41")                                           \
                  VISAGE_ROW(next "(%[rows],%[five])", "s50", "s51")
#define VISAGE_CLEAR(sum) "vpxor %[" sum "], %[" sum "], %[" sum "]\n\t"
  asm(VISAGE_CLEAR("s00") VISAGE_CLEAR("s01") VISAGE_CLEAR("s10") VISAGE_CLEAR("s11") VISAGE_CLEAR("s20")
          VISAGE_CLEAR("s21") VISAGE_CLEAR("s30") VISAGE_CLEAR("s31") VISAGE_CLEAR("s40") VISAGE_CLEAR("s41")
              VISAGE_CLEAR("s50") VISAGE_CLEAR("s51")
      ".p2align 5\n"
      "1:\n\t" VISAGE_PAIR("0", "0") VISAGE_PAIR("64", "4")
      "add $128, %[weights]\n\t"
      "add $8, %[rows]\n\t"
      "cmp %[end], %[weights]\n\t"
      "jne 1b"
      : [s00] "=&x"(s00), [s01] "=&x"(s01), [s10] "=&x"(s10), [s11] "=&x"(s11), [s20] "=&x"(s20),
        [s21] "=&x"(s21), [s30] "=&x"(s30), [s31] "=&x"(s31), [s40] "=&x"(s40), [s41] "=&x"(s41),
        [s50] "=&x"(s50), [s51] "=&x"(s51), [weights] "+r"(weights), [rows] "+r"(rows)
      : [one] "r"(one), [three] "r"(3 * one), [five] "r"(5 * one), [end] "r"(end)
      : "ymm12", "ymm13", "ymm14", "ymm15", "cc", "memory");
#undef VISAGE_CLEAR
#undef VISAGE_PAIR
#undef VISAGE_ROW
  return {{{s00, s01}, {s10, s11}, {s20, s21}, {s30, s31}, {s40, s41}, {s50, s51}}};
}
#else
Sums SumsOfProducts(const std::int16_t* rows, std::ptrdiff_t stride, const std::int16_t* weights, int pairs) {
  Sums sums = {};
  for (int k = 0; k < 2 * pairs; k += 2, weights += 2 * kLane) {
    for (int r = 0; r < kRows; ++r) {
      const std::int16_t* const row = rows + r * stride + k;
      for (int o = 0; o < kLane; ++o) {
        sums.values[r][o / 8][o % 8] += row[0] * weights[2 * o] + row[1] * weights[2 * o + 1];
      }
    }
  }
  return sums;
}
#endif

}  // namespace

FixedPointMatrix::FixedPointMatrix(int inputs, int outputs, std::span<const float> weights)
    : inputs_(inputs),
      outputs_(outputs),
      weights_(static_cast<std::size_t>(Padded(inputs)) * Padded(outputs)),
      steps_(Padded(outputs)) {
  const auto of = [&](int output) {
    return weights.subspan(static_cast<std::size_t>(output) * inputs, inputs);
  };
  struct Size {
    double largest = 0;
    double sum = 0;
  };
  std::vector<Size> sizes(outputs);
  double broadest = 1;
  for (int o = 0; o < outputs; ++o) {
    for (const float weight : of(o)) {
      sizes[o].largest = std::max<double>(sizes[o].largest, std::abs(weight));
      sizes[o].sum += std::abs(weight);
    }
    if (sizes[o].largest > 0) broadest = std::max(broadest, sizes[o].sum / sizes[o].largest);
  }
  // As many bits for the weights as for the rows.
  most_ = static_cast<float>(std::floor(std::min(kMostInteger, std::sqrt(kMostSum / broadest))));
  for (int o = 0; o < outputs; ++o) {
    const auto [largest, sum] = sizes[o];
    if (!(largest > 0)) continue;
    // Rounding may add a half to each weight.
    const double room = kMostSum / most_ - inputs;
    const double scale = std::min(kMostInteger / largest, room / sum);
    steps_[o] = static_cast<float>(1 / scale);
    std::int16_t* panel = weights_.data() + static_cast<std::size_t>(o / kLane) * kLane * padded_inputs();
    for (int k = 0; k < inputs; ++k) {
      panel[k / 2 * 2 * kLane + o % kLane * 2 + k % 2] =
          static_cast<std::int16_t>(std::lrint(of(o)[k] * scale));
    }
  }
}

float FixedPointMatrix::Quantise(const float* row, std::int16_t* integers) const {
  const int size = padded_inputs();
  Floats8 largest = {};
  for (int k = 0; k < size; k += 8) {
    const Floats8 v = Load8(row + k);
    const Floats8 magnitude = v < 0 ? -v : v;
    largest = magnitude > largest ? magnitude : largest;
  }
  float most = 0;
  for (int i = 0; i < 8; ++i) most = std::max(most, largest[i]);
  const float scale = most > 0 ? most_ / most : 0;
#ifdef __AVX2__
  const __m256 scales = _mm256_set1_ps(scale);
  for (int k = 0; k < size; k += kLane) {
    const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(row + k), scales));
    const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(row + k + 8), scales));
    constexpr int kInOrder = 0b11'01'10'00;
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), kInOrder);
    std::memcpy(integers + k, &packed, sizeof packed);
  }
#else
  for (int k = 0; k < size; ++k) integers[k] = static_cast<std::int16_t>(std::lrint(row[k] * scale));
#endif
  return most / most_;
}

void FixedPointMatrix::Multiply(const std::int16_t* rows, const float* scales, int count,
                                const Epilogue& epilogue, const float* added, float* out) const {
  const std::ptrdiff_t row_stride = padded_inputs(), out_stride = padded_outputs();
  for (std::ptrdiff_t o = 0; o < out_stride; o += kLane) {
    const std::int16_t* const weights = weights_.data() + o * row_stride;
    const Floats8 steps[] = {Load8(&steps_[o]), Load8(&steps_[o + 8])};
    const Floats8 bias[] = {Load8(&epilogue.bias[o]), Load8(&epilogue.bias[o + 8])};
    const Floats8 slope[] = {Load8(&epilogue.slope[o]), Load8(&epilogue.slope[o + 8])};
    for (int first = 0; first < count; first += kRows) {
      const Sums sums = SumsOfProducts(rows + first * row_stride, row_stride, weights, padded_inputs() / 2);
      const int here = std::min(kRows, count - first);
      std::ptrdiff_t place = first * out_stride + o;
      for (int r = 0; r < here; ++r, place += out_stride) {
        const Floats8 scale = All8(scales[first + r]);
        Floats8 low = __builtin_convertvector(sums.values[r][0], Floats8) * (steps[0] * scale) + bias[0];
        Floats8 high = __builtin_convertvector(sums.values[r][1], Floats8) * (steps[1] * scale) + bias[1];
        if (added != nullptr) {
          low += Load8(added + place);
          high += Load8(added + place + 8);
        }
        Store8(out + place, Bend(low, slope[0]));
        Store8(out + place + 8, Bend(high, slope[1]));
      }
    }
  }
}

}  // namespace visage
