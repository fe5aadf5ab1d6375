#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace visage::search {

/// Rows and probes are padded with zeros to a multiple of this many values, so kernels need no remainder
/// loop.
inline constexpr std::size_t kKernelStep = 32;

/// `dimension` rounded up to whole steps.
constexpr std::size_t PaddedDimension(std::size_t dimension) {
  return (dimension + kKernelStep - 1) / kKernelStep * kKernelStep;
}

/// Inner products for one instruction set. All sets return the same integers.
///
/// `width` is a multiple of kKernelStep. Pointers need no alignment, but multiples of 64 bytes are faster.
/// Products are exact while 128 times the sum of the probe's magnitudes is below 2^31.
struct Kernels {
  /// `plain`, `avx2`, `avx512bw`, `avx512vnni` or `neon`.
  const char* name;
  /// A probe and one row.
  std::int32_t (*dot)(const std::int16_t* probe, const std::int8_t* row, std::size_t width);
  /// A probe and `count` consecutive rows.
  void (*dot_rows)(const std::int16_t* probe, const std::int8_t* rows, std::size_t width, std::size_t count,
                   std::int32_t* products);
};

/// The kernels that this processor supports, fastest first, `plain` last.
std::span<const Kernels> RunnableKernels();

/// The fastest kernels that this processor supports.
inline const Kernels& BestKernels() { return RunnableKernels().front(); }

namespace kernels {

#if defined(__x86_64__)
extern const Kernels kAvx2;
extern const Kernels kAvx512Bw;
extern const Kernels kAvx512Vnni;
#elif defined(__aarch64__)
extern const Kernels kNeon;
#endif

}  // namespace kernels
}  // namespace visage::search
