#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace visage::search {

/// Zeros pad rows and probes to a multiple of this.
inline constexpr std::size_t kKernelStep = 32;

constexpr std::size_t PaddedDimension(std::size_t dimension) {
  return (dimension + kKernelStep - 1) / kKernelStep * kKernelStep;
}

/// Inner products, the same for all instruction sets.
///
/// `width` is a multiple of kKernelStep. Pointers to multiples of 64 bytes are fastest. Products are exact
/// while 128 times the sum of the probe's magnitudes is below 2^31.
struct Kernels {
  const char* name;
  std::int32_t (*dot)(const std::int16_t* probe, const std::int8_t* row, std::size_t width);
  void (*dot_rows)(const std::int16_t* probe, const std::int8_t* rows, std::size_t width, std::size_t count,
                   std::int32_t* products);
};

/// Fastest first, `plain` last.
std::span<const Kernels> RunnableKernels();

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
