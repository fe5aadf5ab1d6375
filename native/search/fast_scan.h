/// FAISS's fast scan over codes of 4 bits: proposes the rows of the largest approximate inner products with a
/// probe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace visage::search {

/// Rows of one block.
constexpr std::size_t kFastScanBlock = 32;

/// @param subquantizers even.
constexpr std::size_t FastScanBlockBytes(std::size_t subquantizers) {
  return subquantizers * kFastScanBlock / 2;
}

/// Writes one row into a block, in FAISS's layout.
/// @param codes one code from 0 to 15 for each subquantizer.
/// @param place from 0 to 31; the block is 0 there. A byte holds codes of two places, and the other one keeps
/// its bits.
void PackCodes(std::span<const std::uint8_t> codes, std::size_t place, std::byte* block);

/// One search over any number of pieces of a gallery. For one thread at a time.
class FastScan {
 public:
  /// @param tables [subquantizers][16] inner products of the probe with the centroids; quantised to 8 bits
  /// here.
  /// @param subquantizers even.
  /// @param count rows to keep, at least 1.
  FastScan(std::span<const float> tables, std::size_t subquantizers, std::size_t count);
  ~FastScan();

  /// Scans every place of the blocks, also those without a row, whose codes are 0.
  /// @param blocks aligned to 32 bytes.
  /// @param first_row number of the row in the first place of the first block.
  void Scan(const std::byte* blocks, std::size_t block_count, std::uint32_t first_row);

  /// Returns the numbers of the best `count` scanned rows by the sum of the quantised tables, best first; all
  /// if fewer were scanned. Call it once, at the end.
  std::vector<std::uint32_t> Take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace visage::search
