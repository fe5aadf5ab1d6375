#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace visage::search {

constexpr std::size_t kFastScanBlock = 32;

constexpr std::size_t FastScanBlockBytes(std::size_t subquantizers) {
  return subquantizers * kFastScanBlock / 2;
}

/// Keeps the block's other places. @param codes one per subquantizer, 0..15. @param place 0..31; its bits
/// must be 0.
void PackCodes(std::span<const std::uint8_t> codes, std::size_t place, std::byte* block);

/// @param codes receives one per subquantizer.
void UnpackCodes(const std::byte* block, std::size_t place, std::span<std::uint8_t> codes);

struct Proposal {
  /// Of the tables in 8 bits; comparable among scans with the same tables.
  std::uint32_t loss;
  std::uint32_t row;

  auto operator<=>(const Proposal&) const = default;
};

/// One search over any number of pieces. Not thread-safe.
class FastScan {
 public:
  /// @param tables [subquantizers][16], see SearchSpace::Tables. @param subquantizers even. @param count rows
  /// to keep.
  FastScan(std::span<const float> tables, std::size_t subquantizers, std::size_t count);
  ~FastScan();

  /// Also scans places without a row, whose codes are 0. @param blocks aligned to 32 bytes.
  void Scan(const std::byte* blocks, std::size_t block_count, std::uint32_t first_row);

  /// Call it once.
  std::vector<Proposal> Take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace visage::search
