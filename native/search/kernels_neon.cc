#if defined(__aarch64__)

#include <arm_neon.h>

#include "search/kernels.h"

namespace visage::search {
namespace {

inline int32x4_t Multiplied(int32x4_t sums, int16x8_t a, int16x8_t b) {
  return vmlal_high_s16(vmlal_s16(sums, vget_low_s16(a), vget_low_s16(b)), a, b);
}

std::int32_t Dot(const std::int16_t* probe, const std::int8_t* row, std::size_t width) {
  int32x4_t low = vdupq_n_s32(0);
  int32x4_t high = vdupq_n_s32(0);
  for (std::size_t i = 0; i < width; i += 16) {
    const int8x16_t values = vld1q_s8(row + i);
    low = Multiplied(low, vmovl_s8(vget_low_s8(values)), vld1q_s16(probe + i));
    high = Multiplied(high, vmovl_high_s8(values), vld1q_s16(probe + i + 8));
  }
  return vaddvq_s32(vaddq_s32(low, high));
}

void DotRows(const std::int16_t* probe, const std::int8_t* rows, std::size_t width, std::size_t count,
             std::int32_t* products) {
  for (std::size_t row = 0; row < count; ++row) products[row] = Dot(probe, rows + row * width, width);
}

}  // namespace

constinit const Kernels kernels::kNeon = {"neon", Dot, DotRows};

}  // namespace visage::search

#endif
