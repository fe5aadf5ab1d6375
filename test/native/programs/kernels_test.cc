#include "search/kernels.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

namespace {

std::int32_t Product(const std::int16_t* a, const std::int8_t* b, std::size_t width) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < width; ++i) sum += std::int32_t{a[i]} * b[i];
  return sum;
}

void CheckKernels(std::size_t width, int most) {
  constexpr std::size_t kRows = 7;
  std::mt19937 random(static_cast<unsigned>(width));
  std::uniform_int_distribution<int> probes(-most, most);
  std::uniform_int_distribution<int> codes(std::numeric_limits<std::int8_t>::min(),
                                           std::numeric_limits<std::int8_t>::max());
  std::vector<std::int16_t> probe(width);
  for (std::int16_t& value : probe) value = static_cast<std::int16_t>(probes(random));
  std::vector<std::int8_t> rows(width * kRows);
  for (std::int8_t& value : rows) value = static_cast<std::int8_t>(codes(random));
  for (const visage::search::Kernels& kernel : visage::search::RunnableKernels()) {
    CAPTURE(kernel.name);
    CAPTURE(width);
    std::vector<std::int32_t> together(kRows);
    kernel.dot_rows(probe.data(), rows.data(), width, kRows, together.data());
    for (std::size_t row = 0; row < kRows; ++row) {
      const std::int8_t* values = rows.data() + row * width;
      const std::int32_t expected = Product(probe.data(), values, width);
      CHECK(together[row] == expected);
      CHECK(kernel.dot(probe.data(), values, width) == expected);
    }
  }
}

}  // namespace

TEST_CASE("Every kernel of the search gives the exact inner product") {
  for (const std::size_t steps : {1, 2, 3, 4, 8, 9, 16}) {
    const std::size_t width = steps * visage::search::kKernelStep;
    CheckKernels(width, 1);
    CheckKernels(width, static_cast<int>(std::int64_t{16'000'000} / static_cast<std::int64_t>(width)));
  }
}

TEST_CASE("The last kernel is the plain one") {
  const auto kernels = visage::search::RunnableKernels();
  REQUIRE(!kernels.empty());
  CHECK(std::string_view(kernels.back().name) == "plain");
}
