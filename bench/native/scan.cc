/// How near the exact search of a gallery comes to the speed of the memory, on one thread.
///
///   cmake --build build --target visage_scan
///   build/visage_scan 100000 512 100
///
/// Random unit vectors are searched for the 16 nearest of random unit vectors, in turns with a plain read of
/// the very bytes that such a search has to read: the high plane of the rows. Times are the thread's own,
/// which others on the machine hardly change. Prints one JSON object for each kernel that the processor can
/// run.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "search/codes.h"
#include "search/exact.h"

namespace {

using visage::search::Codes;

constexpr std::size_t kNearest = 16;

/// Rows of unit length and random direction.
std::vector<float> UnitVectors(std::size_t count, std::size_t dimension, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(count * dimension);
  for (std::size_t row = 0; row < count; ++row) {
    const std::span<float> vector(vectors.data() + row * dimension, dimension);
    double squares = 0;
    for (float& value : vector) {
      value = normal(random);
      squares += static_cast<double>(value) * value;
    }
    for (float& value : vector) value = static_cast<float>(value / std::sqrt(squares));
  }
  return vectors;
}

/// Milliseconds of this thread.
double Now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

/// Reads the high plane of all rows and does next to nothing with it.
std::uint64_t Read(const Codes::View& view) {
  // Sums beside each other, so that none waits for another; a row is a whole number of 64 bytes.
  std::array<std::uint64_t, 16> sums{};
  for (std::size_t row = 0; row < view.size();) {
    const Codes::Rows rows = view.From(static_cast<Codes::Row>(row));
    const std::int8_t* high = view.InMemory(static_cast<Codes::Row>(row)).high;
    const auto* words = reinterpret_cast<const std::uint64_t*>(high);
    const std::size_t count = rows.count * view.width() / sizeof(*words);
    std::size_t i = 0;
    for (; i + sums.size() <= count; i += sums.size())
      for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += words[i + j];
    for (; i < count; ++i) sums[0] += words[i];
    row += rows.count;
  }
  return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

struct Times {
  std::vector<double> all;

  double least() const { return *std::ranges::min_element(all); }
  double middle() {
    std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2));
    return all[all.size() / 2];
  }
};

void Measure(const visage::search::Kernels& kernels, const Codes::View& view, std::span<const float> vectors,
             std::span<const float> probes) {
  const std::size_t dimension = view.dimension();
  Times search, read;
  double error = 0;
  volatile std::uint64_t sink = 0;
  for (std::size_t at = 0; at < probes.size(); at += dimension) {
    const std::span<const float> wanted = probes.subspan(at, dimension);
    double start = Now();
    sink = sink + Read(view);
    read.all.push_back(Now() - start);

    start = Now();
    const visage::search::Probe probe(wanted);
    visage::search::Nearest nearest(kNearest);
    visage::search::DamagedRows damaged;
    visage::search::RowReader reader(view, damaged);
    ScanExact(kernels, reader, probe, 0, view.size(), nearest);
    const auto found = nearest.Take();
    search.all.push_back(Now() - start);

    for (const auto& [score, row] : found) {
      double product = 0;
      for (std::size_t i = 0; i < dimension; ++i)
        product += static_cast<double>(wanted[i]) * vectors[row * dimension + i];
      error = std::max(error, std::abs(score * probe.scale() - product));
    }
  }
  const double bytes = static_cast<double>(view.size() * view.width());
  std::printf(
      "{\"kernel\":\"%s\",\"rows\":%zu,\"dimension\":%zu,\"bytes\":%.0f,"
      "\"searchMs\":{\"least\":%.3f,\"p50\":%.3f},\"readMs\":{\"least\":%.3f,\"p50\":%.3f},"
      "\"searchGBs\":%.1f,\"readGBs\":%.1f,\"ratio\":{\"least\":%.3f,\"p50\":%.3f},\"scoreError\":%.2g}\n",
      kernels.name, view.size(), dimension, bytes, search.least(), search.middle(), read.least(),
      read.middle(), bytes / search.least() / 1e6, bytes / read.least() / 1e6, search.least() / read.least(),
      search.middle() / read.middle(), error);
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = [&](int i) { return i < count ? std::strtoul(arguments[i], nullptr, 10) : 0; };
  const std::size_t rows = number(1), dimension = number(2), probes = number(3);
  if (count != 4 || rows == 0 || dimension == 0 || dimension > 65536 || probes == 0) {
    std::fputs("Usage: visage_scan ROWS DIMENSION PROBES\n", stderr);
    return 64;
  }
  const std::vector<float> vectors = UnitVectors(rows, dimension, 1);
  Codes codes(dimension);
  for (std::size_t row = 0; row < rows; ++row)
    codes.Append(static_cast<std::int64_t>(row), {vectors.data() + row * dimension, dimension});
  for (const visage::search::Kernels& kernels : visage::search::RunnableKernels())
    Measure(kernels, codes.view(), vectors, UnitVectors(probes, dimension, 2));
}
