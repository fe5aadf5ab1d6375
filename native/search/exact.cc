#include "search/exact.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace visage::search {
namespace {

constexpr std::size_t kBlock = Codes::kBlock;
constexpr std::size_t kFloatsInLine = 16;
/// Rounding of a bound of at most 2, in floats.
constexpr float kBoundRounding = 1e-6F;

bool IsBetter(const Nearest::Candidate& a, const Nearest::Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

float FloatThreshold(const Nearest& nearest) {
  const double threshold = nearest.threshold();
  const auto rounded = static_cast<float>(threshold);
  return rounded > threshold ? std::nextafter(rounded, -std::numeric_limits<float>::infinity()) : rounded;
}

}  // namespace

void Nearest::Offer(double score, Codes::Row row) {
  const Candidate candidate{score, row};
  if (heap_.size() == k_) {
    if (!IsBetter(candidate, heap_.front())) return;
    std::ranges::pop_heap(heap_, IsBetter);
    heap_.back() = candidate;
  } else {
    heap_.push_back(candidate);
  }
  std::ranges::push_heap(heap_, IsBetter);
}

std::vector<Nearest::Candidate> Nearest::Take() {
  std::ranges::sort_heap(heap_, IsBetter);
  return std::move(heap_);
}

void ScanExact(const Kernels& kernels, const Codes::View& view, const Probe& probe, std::size_t first,
               std::size_t last, Nearest& nearest) {
  std::array<std::int32_t, kBlock> products;
  std::array<float, kBlock> most;
  const auto scale = static_cast<float>(probe.scale());
  for (std::size_t start = first / kBlock * kBlock; start < last; start += kBlock) {
    const auto block = static_cast<Codes::Row>(start);
    std::uint64_t dead = view.Tombstones(block);
    if (start < first) dead |= (std::uint64_t{1} << (first - start)) - 1;
    if (~dead == 0) continue;
    const Codes::Rows rows = view.From(block);
    const std::size_t count = std::min({kBlock, last - start, rows.count});
    for (std::size_t i = 0; i < kBlock; i += kFloatsInLine) {
      __builtin_prefetch(rows.scales + i);
      __builtin_prefetch(rows.residuals + i);
      __builtin_prefetch(rows.offsets + i);
    }
    kernels.dot_rows(probe.values(), rows.high, view.width(), count, products.data());
    const float threshold = FloatThreshold(nearest);
    int above = 0;
    // A sum too large for a float is NaN, which must pass.
    for (std::size_t i = 0; i < count; ++i) {
      const float most_product =
          rows.scales[i] * 256 * static_cast<float>(products[i]) + rows.residuals[i] * probe.length();
      most[i] = most_product * scale - rows.offsets[i] + kBoundRounding;
      above += !(most[i] < threshold);
    }
    if (above == 0) continue;
    for (std::size_t i = 0; i < count; ++i) {
      if (dead >> i & 1 || most[i] < FloatThreshold(nearest)) continue;
      const Codes::Row row = block + static_cast<Codes::Row>(i);
      nearest.Offer(view.ScoreOf(kernels, probe, row), row);
    }
  }
}

void ScanExact(const Kernels& kernels, const Codes::View& view, const Probe& probe,
               std::span<const Codes::Row> rows, Nearest& nearest) {
  for (const Codes::Row row : rows) {
    if (view.is_removed(row)) continue;
    const Codes::Rows at = view.From(row);
    const std::int32_t product = kernels.dot(probe.values(), at.high, view.width());
    const float most_product =
        *at.scales * 256 * static_cast<float>(product) + *at.residuals * probe.length();
    const float most = most_product * static_cast<float>(probe.scale()) - *at.offsets + kBoundRounding;
    if (most < FloatThreshold(nearest)) continue;
    nearest.Offer(view.ScoreOf(kernels, probe, row), row);
  }
}

}  // namespace visage::search
