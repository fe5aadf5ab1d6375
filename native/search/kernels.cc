#include "search/kernels.h"

#include <vector>

namespace visage::search {
namespace {

std::int32_t Dot(const std::int16_t* a, const std::int8_t* b, std::size_t width) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < width; ++i) sum += a[i] * b[i];
  return sum;
}

void DotRows(const std::int16_t* probe, const std::int8_t* rows, std::size_t width, std::size_t count,
             std::int32_t* products) {
  for (std::size_t row = 0; row < count; ++row) products[row] = Dot(probe, rows + row * width, width);
}

constexpr Kernels kPlain = {"plain", Dot, DotRows};

std::vector<Kernels> FindRunnable() {
  std::vector<Kernels> found;
#if defined(__x86_64__)
  // The addon requires AVX2. The checks include the system's support of wider registers.
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"))
    found.push_back(kernels::kAvx512Vnni);
  if (__builtin_cpu_supports("avx512bw")) found.push_back(kernels::kAvx512Bw);
  found.push_back(kernels::kAvx2);
#elif defined(__aarch64__)
  found.push_back(kernels::kNeon);
#endif
  found.push_back(kPlain);
  return found;
}

}  // namespace

std::span<const Kernels> RunnableKernels() {
  static const std::vector<Kernels> runnable = FindRunnable();
  return runnable;
}

}  // namespace visage::search
