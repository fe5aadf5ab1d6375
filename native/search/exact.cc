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

double ScoreOf(const Kernels& kernels, const Probe& probe, Planes planes, const Codes::Rows& row,
               std::size_t width) {
  return Normalise(Score(kernels, probe, planes, *row.scales, width), probe, *row.offsets);
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

void ScanExact(const Kernels& kernels, RowReader& reader, const Probe& probe, std::size_t first,
               std::size_t last, Nearest& nearest) {
  const Codes::View& view = reader.view();
  const std::size_t width = view.width();
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
    const Planes planes = reader.Block(block, count);
    kernels.dot_rows(probe.values(), planes.high, width, count, products.data());
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
      const auto row = static_cast<Codes::Row>(start + i);
      const Planes own = {planes.high + i * width, planes.low + i * width};
      nearest.Offer(ScoreOf(kernels, probe, own, view.From(row), width), row);
    }
  }
}

void ScanExact(const Kernels& kernels, RowReader& reader, const Probe& probe,
               std::span<const Codes::Row> rows, Nearest& nearest) {
  const Codes::View& view = reader.view();
  const std::size_t width = view.width();
  for (; !rows.empty(); rows = rows.subspan(std::min(rows.size(), RowReader::kMostFetched))) {
    const auto part = rows.first(std::min(rows.size(), RowReader::kMostFetched));
    reader.Fetch(part);
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (view.is_removed(part[i])) continue;
      const Planes planes = reader.Fetched(i);
      const Codes::Rows at = view.From(part[i]);
      const std::int32_t product = kernels.dot(probe.values(), planes.high, width);
      const float most_product =
          *at.scales * 256 * static_cast<float>(product) + *at.residuals * probe.length();
      const float most = most_product * static_cast<float>(probe.scale()) - *at.offsets + kBoundRounding;
      if (most < FloatThreshold(nearest)) continue;
      nearest.Offer(ScoreOf(kernels, probe, planes, at, width), part[i]);
    }
  }
}

}  // namespace visage::search
