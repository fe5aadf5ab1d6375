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

#include "search/kernels.h"
#include "search/probe.h"

namespace visage::search {

/// The vectors of a gallery as 16-bit numbers in rows that are only ever appended, each with a label.
///
/// A row is a scale and for each dimension a number, -32639..32639, that is kept in two bytes of two planes:
/// `256 * high + low`, both -128..127. A pass over all reads only the high plane, which gives a score to
/// within `residual`; the low plane is for the few rows whose full score is asked for.
///
/// Rows are in chunks that never move, and a row is never changed once written but for its tombstone. So a
/// View, once made, is read without a lock by any thread while rows are appended and removed. Appending,
/// removing and making a view need the owner's lock.
class Codes {
 public:
  using Row = std::uint32_t;
  /// Rows whose tombstones share a word. A block is never split over two chunks.
  static constexpr Row kBlock = 64;
  /// Bytes of a row beside its planes: label, scale, residual; its tombstone is a bit.
  static constexpr std::size_t kRowExtra = sizeof(std::int64_t) + 2 * sizeof(float);

  class View;
  struct Rows;
  struct NewRows;

  /// @param dimension floats of a vector, 1..65536.
  explicit Codes(std::size_t dimension);

  std::size_t dimension() const { return dimension_; }
  /// Rows written, removed ones too.
  std::size_t size() const { return size_; }
  /// Rows that have a tombstone.
  std::size_t removed() const { return removed_; }
  std::int64_t label(Row row) const;
  /// Memory of the rows written.
  std::size_t bytes() const;

  /// @param vector `dimension()` finite floats; one whose largest magnitude is below 4e-34 is kept as zero.
  /// @throws std::bad_alloc, and then nothing has changed.
  Row Append(std::int64_t label, std::span<const float> vector);
  /// Appends what another Codes of the same dimension holds in a row.
  Row Append(const View& from, Row row);
  /// Appends rows that the caller fills before anybody else is shown them. @returns their memory, piece after
  /// piece.
  /// @throws std::bad_alloc, and then the rows are not filled and the codes not to be used.
  std::vector<NewRows> Extend(std::size_t count);
  /// Sets the tombstone of a row that has none.
  void Remove(Row row);
  /// All rows that are written at this moment.
  View view() const;

 private:
  struct Chunk;
  using Directory = std::vector<std::shared_ptr<const Chunk>>;

  /// A row's chunk, and its place in there.
  struct Place {
    std::size_t chunk;
    std::size_t row;
  };
  /// Chunks have 64, 64, 128, 256 ... rows up to `1 << full_bits`, and then all that many.
  static Place PlaceOf(Row row, unsigned full_bits) {
    if (row >> full_bits) return {(row >> full_bits) + full_bits - 6, row & ((Row{1} << full_bits) - 1)};
    if (row < kBlock) return {0, row};
    const auto bits = static_cast<unsigned>(std::bit_width(row)) - 1;
    return {bits - 5, row - (Row{1} << bits)};
  }

  /// The chunk and the place in there for one more row.
  std::pair<const Chunk&, std::size_t> Room();

  std::size_t dimension_;
  unsigned full_bits_;
  std::size_t size_ = 0;
  std::size_t removed_ = 0;
  std::shared_ptr<const Directory> directory_;
};

/// A row and those after it in the same piece of memory.
struct Codes::Rows {
  std::size_t count;
  /// Of row `i`: `width` bytes of each plane from `i * width` on.
  const std::int8_t* high;
  const std::int8_t* low;
  /// What a product with the row's number is multiplied by.
  const float* scales;
  /// An estimate is within this, times the probe's length, of the score; rounding is seen to.
  const float* residuals;
  const std::int64_t* labels;
};

/// The same to be written.
struct Codes::NewRows {
  std::size_t count;
  std::int8_t* high;
  std::int8_t* low;
  float* scales;
  float* residuals;
  std::int64_t* labels;
};

/// Memory of some rows.
struct Codes::Chunk {
  struct Free {
    /// Bytes of the mapping; 0 for memory of `operator new`.
    std::size_t mapped;
    void operator()(std::byte* memory) const;
  };

  /// @param is_full whether it is of the largest size, which gets a mapping of its own, of huge pages where
  /// the system has them. @throws std::bad_alloc.
  Chunk(std::size_t rows, std::size_t width, bool is_full);

  std::size_t capacity;
  std::unique_ptr<std::byte, Free> memory;
  std::int8_t* high;
  std::int8_t* low;
  std::int64_t* labels;
  float* scales;
  float* residuals;
  std::unique_ptr<std::atomic<std::uint64_t>[]> tombstones;
};

inline std::int64_t Codes::label(Row row) const {
  const auto [index, place] = PlaceOf(row, full_bits_);
  return (*directory_)[index]->labels[place];
}

/// The rows of Codes up to the moment when it was made; tombstones are those of now. Keeps what it shows
/// alive.
class Codes::View {
 public:
  /// Rows, removed ones too.
  std::size_t size() const { return size_; }
  std::size_t dimension() const { return dimension_; }
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
            chunk.labels + place};
  }

  std::int64_t label(Row row) const { return *From(row).labels; }

  /// Tombstones of the block that a row is in, its first row's in the lowest bit.
  std::uint64_t Tombstones(Row row) const {
    const auto [index, place] = PlaceOf(row, full_bits_);
    return (*directory_)[index]->tombstones[place / kBlock].load(std::memory_order_relaxed);
  }
  bool is_removed(Row row) const { return Tombstones(row) >> (row % kBlock) & 1; }

  /// The inner product of a probe and the row's 16-bit numbers, in units of the probe's scale. Exact, so
  /// scores are in the order of the codes.
  double Score(const Kernels& kernels, const Probe& probe, Row row) const {
    const Rows at = From(row);
    const std::int64_t high = kernels.dot(probe.values(), at.high, width());
    const std::int64_t low = kernels.dot(probe.values(), at.low, width());
    return static_cast<double>(*at.scales) * static_cast<double>(256 * high + low);
  }

 private:
  friend class Codes;

  std::size_t dimension_ = 0;
  unsigned full_bits_ = 0;
  std::size_t size_ = 0;
  std::shared_ptr<const Directory> directory_;
};

}  // namespace visage::search
