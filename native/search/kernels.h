#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace visage::search {

/// Rows and probes of the kernels are padded with zeros to a multiple of this many values, so that no kernel
/// has a remainder to see to.
inline constexpr std::size_t kKernelStep = 64;

/// `dimension` rounded up to whole steps.
constexpr std::size_t PaddedDimension(std::size_t dimension) {
  return (dimension + kKernelStep - 1) / kKernelStep * kKernelStep;
}

/// The inner products of the search, for one instruction set. All sets answer the same integers.
///
/// `width` is a multiple of kKernelStep. Nothing needs to be aligned, but multiples of 64 bytes are faster.
/// Products are exact as long as 128 times the sum of the probe's magnitudes is below 2^31.
struct Kernels {
  /// `plain`, `avx2`, `avx512bw`, `avx512vnni` or `neon`.
  const char* name;
  /// Of a probe and one row.
  std::int32_t (*dot)(const std::int16_t* probe, const std::int8_t* row, std::size_t width);
  /// Of a probe and `count` rows that follow each other.
  void (*dot_rows)(const std::int16_t* probe, const std::int8_t* rows, std::size_t width, std::size_t count,
                   std::int32_t* products);
  /// Of two rows; exact for up to 131,071 values.
  std::int32_t (*dot_codes)(const std::int8_t* a, const std::int8_t* b, std::size_t width);
};

/// What this processor can run, fastest first; the last is `plain`.
std::span<const Kernels> RunnableKernels();

/// The fastest that this processor can run.
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
