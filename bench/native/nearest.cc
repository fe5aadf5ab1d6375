/// Which of many vectors has the largest inner product with each probe, by computing all of them in float:
/// what the searches of bench:search are judged by. Shares nothing with native/search.
///
///   cmake --build build --target visage_nearest
///   build/visage_nearest DIMENSION PROBES <vectors >nearest
///
/// Standard input is rows of DIMENSION floats: the probes, then the vectors until the end. Standard output is
/// PROBES pairs of a 32-bit row number and a float, the score. DIMENSION is a multiple of 8.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kBatch = 4096;
constexpr std::size_t kTile = 16;

struct Nearest {
  std::uint32_t row = 0;
  float score = -2;
};

std::size_t ReadRows(std::vector<float>& rows, std::size_t dimension, std::size_t most) {
  rows.resize(most * dimension);
  return std::fread(rows.data(), sizeof(float) * dimension, most, stdin);
}

void Keep(Nearest& nearest, std::uint32_t row, float score) {
  if (score > nearest.score) nearest = {row, score};
}

void Compare(const std::vector<float>& rows, std::size_t count, std::uint32_t base,
             const std::vector<float>& probes, std::size_t begin, std::size_t end, std::size_t dimension,
             std::vector<Nearest>& nearest) {
  for (std::size_t tile = 0; tile < count; tile += kTile) {
    const std::size_t last = std::min(tile + kTile, count);
    for (std::size_t p = begin; p < end; ++p) {
      const float* probe = probes.data() + p * dimension;
      std::size_t r = tile;
      for (; r + 4 <= last; r += 4) {
        const float* row = rows.data() + r * dimension;
        float a = 0, b = 0, c = 0, d = 0;
        for (std::size_t i = 0; i < dimension; ++i) {
          a += probe[i] * row[i];
          b += probe[i] * row[dimension + i];
          c += probe[i] * row[2 * dimension + i];
          d += probe[i] * row[3 * dimension + i];
        }
        const std::uint32_t at = base + static_cast<std::uint32_t>(r);
        Keep(nearest[p], at, a);
        Keep(nearest[p], at + 1, b);
        Keep(nearest[p], at + 2, c);
        Keep(nearest[p], at + 3, d);
      }
      for (; r < last; ++r) {
        float score = 0;
        for (std::size_t i = 0; i < dimension; ++i) score += probe[i] * rows[r * dimension + i];
        Keep(nearest[p], base + static_cast<std::uint32_t>(r), score);
      }
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::size_t dimension = count == 3 ? std::strtoul(arguments[1], nullptr, 10) : 0;
  const std::size_t probe_count = count == 3 ? std::strtoul(arguments[2], nullptr, 10) : 0;
  std::vector<float> probes;
  if (dimension == 0 || probe_count == 0 || ReadRows(probes, dimension, probe_count) != probe_count) {
    std::fputs("Usage: visage_nearest DIMENSION PROBES <vectors >nearest\n", stderr);
    return 64;
  }
  std::vector<Nearest> nearest(probe_count);
  const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  std::vector<float> rows;
  std::uint32_t base = 0;
  while (const std::size_t read = ReadRows(rows, dimension, kBatch)) {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) {
      workers.emplace_back([&, i] {
        Compare(rows, read, base, probes, probe_count * i / threads, probe_count * (i + 1) / threads,
                dimension, nearest);
      });
    }
    workers.clear();
    base += static_cast<std::uint32_t>(read);
  }
  std::fwrite(nearest.data(), sizeof(Nearest), nearest.size(), stdout);
  return 0;
}
