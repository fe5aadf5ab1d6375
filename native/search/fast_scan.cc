#include "search/fast_scan.h"

#include <faiss/impl/FaissAssert.h>
#include <faiss/impl/LookupTableScaler.h>
#include <faiss/impl/pq4_fast_scan.h>
#include <faiss/impl/simd_result_handlers.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace visage::search {

namespace {

constexpr std::size_t kCentroids = 16;

/// FAISS keeps only sums below this start value.
constexpr float kSumLimit = std::numeric_limits<std::uint16_t>::max();

using Reservoir = faiss::simd_result_handlers::ReservoirHandler<faiss::CMax<std::uint16_t, int>>;

/// Losses from 0 for a subquantizer's best centroid to 255. FAISS's `quantize_LUT_and_bias` divides by zero
/// if all products are equal, and overflows 16 bits beyond 256 subquantizers.
void Quantise(std::span<const float> tables, std::size_t subquantizers, std::uint8_t* losses) {
  std::vector<float> best(subquantizers);
  float widest = 0;
  float sum = 0;
  for (std::size_t i = 0; i < subquantizers; ++i) {
    const auto [low, high] = std::ranges::minmax(tables.subspan(i * kCentroids, kCentroids));
    best[i] = high;
    widest = std::max(widest, high - low);
    sum += high - low;
  }
  const float roundings = static_cast<float>(subquantizers);
  float scale = std::min(255 / widest, (kSumLimit - 1 - roundings) / sum);
  if (!std::isfinite(scale)) scale = 0;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    losses[i] = static_cast<std::uint8_t>(std::rint((best[i / kCentroids] - tables[i]) * scale));
  }
}

}  // namespace

void PackCodes(std::span<const std::uint8_t> codes, std::size_t place, std::byte* block) {
  // FAISS's `pq4_set_packed_element` is wrong beyond 16 subquantizers.
  const std::size_t lane = place % 16;
  std::byte* bytes = block + lane % 8 * 2 + lane / 8;
  for (const std::uint8_t code : codes) {
    *bytes |= std::byte{code} << (place / 16 * 4);
    bytes += 16;
  }
}

void UnpackCodes(const std::byte* block, std::size_t place, std::span<std::uint8_t> codes) {
  const std::size_t lane = place % 16;
  const std::byte* bytes = block + lane % 8 * 2 + lane / 8;
  for (std::uint8_t& code : codes) {
    code = std::to_integer<std::uint8_t>(*bytes >> (place / 16 * 4) & std::byte{15});
    bytes += 16;
  }
}

struct FastScan::State {
  State(std::size_t subquantizers_, std::size_t count)
      : subquantizers(subquantizers_),
        losses(subquantizers * kCentroids),
        // FAISS uses the number of rows only to skip places behind the last.
        reservoir(1, std::numeric_limits<std::size_t>::max(), count, 2 * count) {}

  void MoveOrigin(std::uint32_t next) {
    const std::span kept(reservoir.all_ids.data(), reservoir.reservoirs.front().i);
    for (int& id : kept) id = static_cast<int>(static_cast<std::uint32_t>(id) + origin - next);
    origin = next;
  }

  std::size_t subquantizers;
  faiss::AlignedTable<std::uint8_t> losses;
  Reservoir reservoir;
  std::uint32_t origin = 0;
};

FastScan::FastScan(std::span<const float> tables, std::size_t subquantizers, std::size_t count)
    : state_(std::make_unique<State>(subquantizers, std::max<std::size_t>(count, 1))) {
  Quantise(tables, subquantizers, state_->losses.get());
}

FastScan::~FastScan() = default;

void FastScan::Scan(const std::byte* blocks, std::size_t block_count, std::uint32_t first_row) {
  state_->MoveOrigin(first_row);
  faiss::pq4_accumulate_loop(1, block_count * kFastScanBlock, kFastScanBlock,
                             static_cast<int>(state_->subquantizers),
                             reinterpret_cast<const std::uint8_t*>(blocks), state_->losses.get(),
                             state_->reservoir, faiss::DummyScaler());
}

std::vector<Proposal> FastScan::Take() {
  auto& kept = state_->reservoir.reservoirs.front();
  if (kept.i > kept.n) kept.shrink();
  std::vector<Proposal> best(kept.i);
  for (std::size_t i = 0; i < best.size(); ++i) {
    best[i] = {kept.vals[i], static_cast<std::uint32_t>(kept.ids[i]) + state_->origin};
  }
  std::ranges::sort(best);
  return best;
}

}  // namespace visage::search
