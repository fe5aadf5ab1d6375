#include "runtime/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "runtime/vector.h"

namespace visage::runtime {
namespace {

/// vpmaddwd adds two products; below 2^15 their sum fits.
constexpr double kMostInteger = 32767;
constexpr double kMostSum = 2147483647;

using Integers8 = std::int32_t __attribute__((vector_size(32)));

constexpr int kRows = FixedPointMatrix::kRows;

struct Sums {
  Integers8 values[kRows][2];
};

/// @param rows are `stride` integers apart. @param weights per pair of inputs two integers per output,
/// aligned to 32 bytes. @param pairs of inputs, a multiple of 2.
#ifdef __AVX2__
Sums SumsOfProducts(const std::int16_t* rows, std::ptrdiff_t stride, const std::int16_t* weights, int pairs) {
  Integers8 s00, s01, s10, s11, s20, s21, s30, s31, s40, s41, s50, s51;
  const std::int16_t* const end = weights + static_cast<std::ptrdiff_t>(pairs) * 2 * kLane;
  const std::ptrdiff_t one = stride * static_cast<std::ptrdiff_t>(sizeof(std::int16_t));
#define VISAGE_ROW(place, low, high)       \
  "vpbroadcastd " place                    \
  ", %%ymm12\n\t"                          \
  "vpmaddwd %%ymm12, %%ymm14, %%ymm13\n\t" \
  "vpmaddwd %%ymm12, %%ymm15, %%ymm12\n\t" \
  "vpaddd %%ymm13, %[" low "], %[" low     \
  "]\n\t"                                  \
  "vpaddd %%ymm12, %[" high "], %[" high "]\n\t"
#define VISAGE_PAIR(at, next)                                                                               \
  "vmovdqa " at                                                                                             \
  "(%[weights]), %%ymm14\n\t"                                                                               \
  "vmovdqa " at "+32(%[weights]), %%ymm15\n\t" VISAGE_ROW(next "(%[rows])", "s00", "s01")                   \
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
      weights_(static_cast<std::size_t>(Padded(inputs)) / 2 * (Padded(outputs) / kLane)),
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
  // Gives weights and rows equally many bits.
  most_ = static_cast<float>(std::floor(std::min(kMostInteger, std::sqrt(kMostSum / broadest))));
  for (int o = 0; o < outputs; ++o) {
    const auto [largest, sum] = sizes[o];
    if (!(largest > 0)) continue;
    const double room = kMostSum / most_ - inputs;
    const double scale = std::min(kMostInteger / largest, room / sum);
    steps_[o] = static_cast<float>(1 / scale);
    Pair* const pairs = weights_.data() + static_cast<std::size_t>(o / kLane) * (padded_inputs() / 2);
    for (int k = 0; k < inputs; ++k) {
      pairs[k / 2].weights[o % kLane * 2 + k % 2] = static_cast<std::int16_t>(std::lrint(of(o)[k] * scale));
    }
  }
}

void FixedPointMatrix::Quantise(const float* points, std::ptrdiff_t plane_size, int count,
                                std::int16_t* integers, float* scales) const {
  const int row_size = padded_inputs(), planes = row_size / kLane;
  for (int first = 0; first < count; first += kRows) {
    const int rows = std::min(kRows, count - first);
    const float* const tile = points + static_cast<std::ptrdiff_t>(first) * kLane;
    std::int16_t* const to = integers + static_cast<std::ptrdiff_t>(first) * row_size;
    base::Floats8 low = {}, high = {};
    for (int plane = 0; plane < planes; ++plane) {
      for (int r = 0; r < rows; ++r) {
        low = Max8(low, Abs8(Load8(tile + plane * plane_size + r * kLane)));
        high = Max8(high, Abs8(Load8(tile + plane * plane_size + r * kLane + 8)));
      }
    }
    const float largest = HorizontalMax(Max8(low, high));
    const float factor = largest > 0 ? most_ / largest : 0;
    scales[first / kRows] = largest / most_;
    for (int plane = 0; plane < planes; ++plane) {
      for (int r = 0; r < rows; ++r) {
        ToIntegers16(tile + plane * plane_size + r * kLane, factor, to + r * row_size + plane * kLane);
      }
    }
  }
}

void FixedPointMatrix::Multiply(const std::int16_t* rows, const float* scales, int count,
                                const Epilogue& epilogue, const float* added, float* out,
                                std::ptrdiff_t plane_size) const {
  const std::ptrdiff_t row_size = padded_inputs();
  const int pairs = padded_inputs() / 2;
  const Pair* weights = weights_.data();
  for (int o = 0; o < padded_outputs(); o += kLane, weights += pairs, out += plane_size) {
    const float *const step = &steps_[o], *const bias = &epilogue.bias[o], *const slope = &epilogue.slope[o];
    for (int first = 0; first < count; first += kRows) {
      const Sums sums = SumsOfProducts(rows + first * row_size, row_size, weights->weights, pairs);
      const base::Floats8 scale = Broadcast8(scales[first / kRows]);
      const base::Floats8 factors[2] = {scale * Load8(step), scale * Load8(step + 8)};
      float* const tile = out + static_cast<std::ptrdiff_t>(first) * kLane;
      const float* const tile_added =
          added == nullptr ? nullptr : added + static_cast<std::ptrdiff_t>(first) * kLane;
      const auto finish = [&](int r, auto is_added) {
        for (int half = 0; half < 2; ++half) {
          const int at = 8 * half;
          base::Floats8 v =
              __builtin_convertvector(sums.values[r][half], base::Floats8) * factors[half] + Load8(bias + at);
          if constexpr (is_added) v += Load8(tile_added + r * kLane + at);
          Store8(tile + r * kLane + at, PReLU(v, Load8(slope + at)));
        }
      };
      const auto finish_rows = [&](auto is_added) {
        if (count - first >= kRows) {
          for (int r = 0; r < kRows; ++r) finish(r, is_added);
        } else {
          for (int r = 0; r < count - first; ++r) finish(r, is_added);
        }
      };
      added == nullptr ? finish_rows(std::false_type()) : finish_rows(std::true_type());
    }
    if (added != nullptr) added += plane_size;
  }
}

}  // namespace visage::runtime
