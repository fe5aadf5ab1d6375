/// FAISS's own graph, `faiss::IndexHNSWFlat`, as a peer of bench:search: 16 links a node, inner product, its
/// own settings else. Shares nothing with native/. Made by bench/peers/faiss.mjs.
///
///   build/peers/faiss/faiss_graph DIMENSION ROWS <requests >answers
///
/// Standard input is ROWS rows of DIMENSION floats, then requests until the end: a 32-bit efSearch and a
/// probe of DIMENSION floats. Standard output is, once the graph is there, which is built on OpenMP's
/// threads, four doubles: seconds and processor seconds of the build, bytes of the index, and bytes that the
/// process grew by. Then for each request the 32-bit row of the nearest and a float, the milliseconds that
/// the search took on one thread.

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <omp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int kLinks = 16;
constexpr std::size_t kBatch = 10'000;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + 1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

/// Memory of the process that no file is behind: resident less shared (proc(5), `statm`).
double OwnMemory() {
  unsigned long long size = 0, resident = 0, shared = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  const int read = std::fscanf(file, "%llu %llu %llu", &size, &resident, &shared);
  std::fclose(file);
  return read == 3 ? static_cast<double>(resident - shared) * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

double BytesOf(const faiss::IndexHNSWFlat& index) {
  const faiss::HNSW& graph = index.hnsw;
  const auto& vectors = dynamic_cast<const faiss::IndexFlat&>(*index.storage);
  return static_cast<double>(vectors.codes.size() + graph.neighbors.size() * sizeof(graph.neighbors[0]) +
                             graph.offsets.size() * sizeof(graph.offsets[0]) +
                             graph.levels.size() * sizeof(graph.levels[0]));
}

bool Read(void* to, std::size_t bytes) { return std::fread(to, 1, bytes, stdin) == bytes; }

}  // namespace

int main(int count, char** arguments) {
  const std::size_t dimension = count == 3 ? std::strtoul(arguments[1], nullptr, 10) : 0;
  const std::size_t rows = count == 3 ? std::strtoul(arguments[2], nullptr, 10) : 0;
  if (dimension == 0 || rows == 0) {
    std::fputs("Usage: faiss_graph DIMENSION ROWS <requests >answers\n", stderr);
    return 64;
  }
  std::vector<float> vectors(std::min(rows, kBatch) * dimension);
  const double memory = OwnMemory();
  faiss::IndexHNSWFlat index(static_cast<int>(dimension), kLinks, faiss::METRIC_INNER_PRODUCT);
  double built[4] = {};
  for (std::size_t at = 0; at < rows; at += kBatch) {
    const std::size_t batch = std::min(kBatch, rows - at);
    if (!Read(vectors.data(), batch * dimension * sizeof(float))) return 1;
    const auto start = Clock::now();
    const double processor = ProcessorSeconds();
    index.add(static_cast<faiss::Index::idx_t>(batch), vectors.data());
    built[0] += SecondsSince(start);
    built[1] += ProcessorSeconds() - processor;
  }
  built[2] = BytesOf(index);
  built[3] = OwnMemory() - memory;
  std::fwrite(built, sizeof built, 1, stdout);
  std::fflush(stdout);

  omp_set_num_threads(1);
  std::vector<float> probe(dimension);
  std::int32_t effort = 0;
  while (Read(&effort, sizeof effort) && Read(probe.data(), dimension * sizeof(float))) {
    index.hnsw.efSearch = effort;
    faiss::Index::idx_t nearest = -1;
    float score = 0;
    const auto start = Clock::now();
    index.search(1, probe.data(), 1, &score, &nearest);
    const float took = static_cast<float>(1000 * SecondsSince(start));
    const auto row = static_cast<std::int32_t>(nearest);
    std::fwrite(&row, sizeof row, 1, stdout);
    std::fwrite(&took, sizeof took, 1, stdout);
    std::fflush(stdout);
  }
  return 0;
}
