#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "search/fast_scan.h"
#include "search/kernels.h"
#include "search/probe.h"

namespace visage::search {

/// The rows of a gallery as 16-bit numbers, append-only, each with a label.
///
/// A row is a scale and a number for each coordinate, -32639..32639, in two bytes of two planes:
/// `256 * high + low`, both -128..127. A scan reads only the high plane, which gives a score to within
/// `residual`, and reads the low plane for the few rows that can be among the best. Beside them stand the
/// row's codes of a product quantiser, packed in blocks for FastScan.
///
/// Rows are in chunks that never move. A written row changes only by its tombstone. So any thread reads a
/// View without a lock while others append and remove. Append, Remove and view() need the owner's lock.
class Codes {
 public:
  using Row = std::uint32_t;
  /// Rows whose tombstones share a word. A block is never split over two chunks.
  static constexpr Row kBlock = 64;
  /// Bytes of a row beside its planes and codes: label, scale, residual; its tombstone is a bit.
  static constexpr std::size_t kRowExtra = sizeof(std::int64_t) + 2 * sizeof(float);

  class View;
  struct Rows;
  struct NewRows;

  /// @param dimension coordinates of a row, 1..65536. @param subquantizers codes of a row, an even number; 0
  /// without a product quantiser.
  explicit Codes(std::size_t dimension, std::size_t subquantizers = 0);

  std::size_t dimension() const { return dimension_; }
  /// Rows written, removed ones too.
  std::size_t size() const { return size_; }
  /// Rows that have a tombstone.
  std::size_t removed() const { return removed_; }
  std::int64_t label(Row row) const;
  /// Memory of the rows written.
  std::size_t bytes() const;

  /// @param coordinates `dimension()` finite floats; a row whose largest magnitude is below 4e-34 becomes
  /// zero.
  /// @param codes `subquantizers` numbers, 0..15.
  /// @throws std::bad_alloc, and then nothing has changed.
  Row Append(std::int64_t label, std::span<const float> coordinates,
             std::span<const std::uint8_t> codes = {});
  /// Appends a row of another Codes with the same sizes. @param codes as above.
  Row Append(const View& from, Row row, std::span<const std::uint8_t> codes = {});
  /// Appends rows to an empty Codes; the caller fills them before other threads see them. @returns their
  /// memory, piece after piece; each piece begins with a block.
  /// @throws std::bad_alloc; then discard the Codes.
  std::vector<NewRows> Extend(std::size_t count);
  /// Sets the tombstone of a row that has none.
  void Remove(Row row);
  /// All rows that are written at this moment.
  View view() const;

 private:
  struct Chunk;
  using Directory = std::vector<std::shared_ptr<const Chunk>>;

  /// A row's chunk, and its place in the chunk.
  struct Place {
    std::size_t chunk;
    std::size_t row;
  };
  /// Chunks have 64, 64, 128, 256 ... rows up to `1 << full_bits`; all later ones have that many.
  static Place PlaceOf(Row row, unsigned full_bits) {
    if (row >> full_bits) return {(row >> full_bits) + full_bits - 6, row & ((Row{1} << full_bits) - 1)};
    if (row < kBlock) return {0, row};
    const auto bits = static_cast<unsigned>(std::bit_width(row)) - 1;
    return {bits - 5, row - (Row{1} << bits)};
  }

  /// The chunk and the place in it of the next row.
  std::pair<const Chunk&, std::size_t> Room();
  /// @param codes none without a quantiser.
  void Pack(std::span<const std::uint8_t> codes, const Chunk& chunk, std::size_t row) const;

  std::size_t dimension_;
  std::size_t subquantizers_;
  unsigned full_bits_;
  std::size_t size_ = 0;
  std::size_t removed_ = 0;
  std::shared_ptr<const Directory> directory_;
};

/// A row and the later rows of its chunk.
struct Codes::Rows {
  std::size_t count;
  /// Row `i` has `width` bytes of each plane, from `i * width` on.
  const std::int8_t* high;
  const std::int8_t* low;
  /// A score is the product of the numbers times this.
  const float* scales;
  /// An estimate differs from the score by at most this times the probe's length, rounding included.
  const float* residuals;
  const std::int64_t* labels;
  /// The blocks of packed codes, from the block of the first row on.
  const std::byte* packed;
};

/// Rows that the caller fills.
struct Codes::NewRows {
  std::size_t count;
  std::int8_t* high;
  std::int8_t* low;
  std::byte* packed;
  float* scales;
  float* residuals;
  std::int64_t* labels;
};

/// Memory of consecutive rows.
struct Codes::Chunk {
  struct Free {
    /// Bytes of the mapping; 0 for memory of `operator new`.
    std::size_t mapped;
    void operator()(std::byte* memory) const;
  };

  /// @param is_full true for the largest size, which gets a mapping of huge pages where the system has them.
  /// @throws std::bad_alloc.
  Chunk(std::size_t rows, std::size_t width, std::size_t subquantizers, bool is_full);

  std::size_t capacity;
  std::unique_ptr<std::byte, Free> memory;
  std::int8_t* high;
  std::int8_t* low;
  std::byte* packed;
  std::int64_t* labels;
  float* scales;
  float* residuals;
  std::unique_ptr<std::atomic<std::uint64_t>[]> tombstones;
};

inline std::int64_t Codes::label(Row row) const {
  const auto [index, place] = PlaceOf(row, full_bits_);
  return (*directory_)[index]->labels[place];
}

/// The rows that Codes had when the view was made, with today's tombstones. Keeps their memory alive.
class Codes::View {
 public:
  /// Rows, removed ones too.
  std::size_t size() const { return size_; }
  std::size_t dimension() const { return dimension_; }
  std::size_t subquantizers() const { return subquantizers_; }
  /// PaddedDimension of the dimension.
  std::size_t width() const { return PaddedDimension(dimension_); }

  /// @param row below `size()`.
  Rows From(Row row) const {
    const auto [index, place] = PlaceOf(row, full_bits_);
    const Chunk& chunk = *(*directory_)[index];
    const std::size_t offset = place * width();
    return {std::min(chunk.capacity - place, size_ - row),
            chunk.high + offset,
            chunk.low + offset,
            chunk.scales + place,
            chunk.residuals + place,
            chunk.labels + place,
            chunk.packed + place / kFastScanBlock * FastScanBlockBytes(subquantizers_)};
  }

  std::int64_t label(Row row) const { return *From(row).labels; }

  /// The coordinates of a row, as its numbers keep them. @param coordinates receives `dimension()` floats.
  void Decode(Row row, std::span<float> coordinates) const {
    const Rows at = From(row);
    for (std::size_t i = 0; i < dimension_; ++i) {
      coordinates[i] = *at.scales * static_cast<float>(256 * at.high[i] + at.low[i]);
    }
  }

  /// Tombstones of a row's block; the lowest bit is that of the block's first row.
  std::uint64_t Tombstones(Row row) const {
    const auto [index, place] = PlaceOf(row, full_bits_);
    return (*directory_)[index]->tombstones[place / kBlock].load(std::memory_order_relaxed);
  }
  bool is_removed(Row row) const { return Tombstones(row) >> (row % kBlock) & 1; }

  /// The inner product of a probe and the row's 16-bit numbers, in units of the probe's scale, without
  /// rounding.
  double Score(const Kernels& kernels, const Probe& probe, Row row) const {
    const Rows at = From(row);
    const std::int64_t high = kernels.dot(probe.values(), at.high, width());
    const std::int64_t low = kernels.dot(probe.values(), at.low, width());
    return static_cast<double>(*at.scales) * static_cast<double>(256 * high + low);
  }

 private:
  friend class Codes;

  std::size_t dimension_ = 0;
  std::size_t subquantizers_ = 0;
  unsigned full_bits_ = 0;
  std::size_t size_ = 0;
  std::shared_ptr<const Directory> directory_;
};

}  // namespace visage::search
