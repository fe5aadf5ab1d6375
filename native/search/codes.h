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

class RowFile;

struct Magnitudes {
  /// A coordinate is its number times this.
  float scale;
  /// Bounds an estimate's error, with rounding, per unit of the probe's length.
  float residual;
};

/// Quantises to a scale and a number per coordinate, `256 * high + low`, -32639..32639. The high plane gives
/// a score to within `residual`. @param coordinates finite; magnitudes all below 4e-34 give a zero row.
/// @param high, low have PaddedDimension bytes.
Magnitudes Quantise(std::span<const float> coordinates, std::span<std::int8_t> high,
                    std::span<std::int8_t> low);

/// Of consecutive rows, PaddedDimension bytes each.
struct Planes {
  const std::int8_t* high;
  const std::int8_t* low;
};

/// The unrounded score of a quantised row, in units of the probe's scale.
inline double Score(const Kernels& kernels, const Probe& probe, Planes planes, float scale,
                    std::size_t width) {
  const std::int64_t products =
      256 * static_cast<std::int64_t>(kernels.dot(probe.values(), planes.high, width)) +
      kernels.dot(probe.values(), planes.low, width);
  return static_cast<double>(scale) * static_cast<double>(products);
}

/// Scales a score, and takes off the row's offset (Cohort) but not the probe's.
inline double Normalise(double score, const Probe& probe, float offset) {
  return score * probe.scale() - static_cast<double>(offset);
}

/// A gallery's labelled, quantised rows; append-only. The planes of the first rows can be on disk.
///
/// Rows never move, and only tombstones change, so any thread reads a View without a lock. Append, Remove and
/// view() need the owner's lock.
class Codes {
 public:
  using Row = std::uint32_t;
  using Files = std::vector<std::shared_ptr<const RowFile>>;
  static constexpr Row kBlock = 64;
  static constexpr std::size_t kRowExtra = sizeof(std::int64_t) + 3 * sizeof(float);
  static constexpr std::size_t kRowsOfFile = 65536;

  class View;
  struct Rows;
  struct NewRows;
  struct Stored;

  /// @param dimension 1..65536. @param subquantizers even; 0 without a product quantiser. @param rows_of_file
  /// a power of two, kBlock or more.
  explicit Codes(std::size_t dimension, std::size_t subquantizers = 0,
                 std::size_t rows_of_file = kRowsOfFile);

  std::size_t dimension() const { return dimension_; }
  std::size_t size() const { return size_; }
  std::size_t removed() const { return removed_; }
  /// Rows on disk, before all others.
  std::size_t stored() const { return stored_; }
  std::size_t rows_of_file() const { return rows_of_file_; }
  /// Removed rows of a file.
  std::size_t removed_of(std::size_t file) const { return removed_of_[file]; }
  std::int64_t label(Row row) const;
  std::size_t bytes() const;

  /// @param coordinates as in Quantise. @param offset see Cohort. @param codes 0..15. @throws std::bad_alloc
  /// and changes nothing.
  Row Append(std::int64_t label, std::span<const float> coordinates, float offset = 0,
             std::span<const std::uint8_t> codes = {});
  Row Append(const View& from, Row row, Planes planes, std::span<const std::uint8_t> codes = {});
  /// Appends rows to an empty Codes; fill them before other threads see them. @throws std::bad_alloc; then
  /// discard the Codes.
  std::vector<NewRows> Extend(std::size_t count);
  /// Appends the rows of a file, before all other rows. Their planes are null.
  std::vector<NewRows> Extend(std::shared_ptr<const RowFile> file);
  /// Appends a file with its rows and tombstones, before all rows in memory. @throws std::bad_alloc as
  /// Extend.
  void Append(const View& from, std::size_t file);
  /// Copies the first rows in memory without their planes, which `file` has. Needs no lock.
  static Stored WithoutPlanes(const View& from, std::shared_ptr<const RowFile> file);
  /// @returns the owner of the rows' memory: release it without the lock.
  std::shared_ptr<const void> Store(Stored rows);
  /// Again without effect.
  void Remove(Row row);
  bool is_removed(Row row) const;
  View view() const;

 private:
  struct Chunk;
  using Directory = std::vector<std::shared_ptr<const Chunk>>;

  struct Place {
    std::size_t chunk;
    std::size_t row;
  };
  /// Chunks have 64, 64, 128, 256 ... rows up to `1 << full_bits`, then always that many.
  static Place PlaceOf(Row row, unsigned full_bits) {
    if (row >> full_bits) return {(row >> full_bits) + full_bits - 6, row & ((Row{1} << full_bits) - 1)};
    if (row < kBlock) return {0, row};
    const auto bits = static_cast<unsigned>(std::bit_width(row)) - 1;
    return {bits - 5, row - (Row{1} << bits)};
  }

  std::pair<const Chunk&, std::size_t> Room(bool has_planes = true);
  std::vector<NewRows> Extend(std::size_t count, bool has_planes);
  void Add(std::shared_ptr<const RowFile> file);
  void Pack(std::span<const std::uint8_t> codes, const Chunk& chunk, std::size_t row) const;

  std::size_t dimension_;
  std::size_t subquantizers_;
  std::size_t rows_of_file_;
  unsigned full_bits_;
  std::size_t size_ = 0;
  std::size_t removed_ = 0;
  std::size_t stored_ = 0;
  /// For each `rows_of_file_` rows.
  std::vector<std::size_t> removed_of_;
  std::shared_ptr<const Directory> directory_;
  std::shared_ptr<const Files> files_;
};

/// Without planes: see RowReader.
struct Codes::Rows {
  std::size_t count;
  const float* scales;
  const float* residuals;
  const float* offsets;
  const std::int64_t* labels;
  const std::byte* packed;
};

struct Codes::NewRows {
  std::size_t count;
  std::int8_t* high;
  std::int8_t* low;
  std::byte* packed;
  float* scales;
  float* residuals;
  float* offsets;
  std::int64_t* labels;
};

struct Codes::Chunk {
  struct Free {
    std::size_t mapped;
    void operator()(std::byte* memory) const;
  };

  /// @param width 0 without planes. @param is_huge for huge pages, if available.
  Chunk(std::size_t rows, std::size_t width, std::size_t subquantizers, bool is_huge);

  std::size_t capacity;
  std::unique_ptr<std::byte, Free> memory;
  std::int8_t* high;
  std::int8_t* low;
  std::byte* packed;
  std::int64_t* labels;
  float* scales;
  float* residuals;
  float* offsets;
  std::shared_ptr<std::atomic<std::uint64_t>[]> tombstones;
};

struct Codes::Stored {
  std::shared_ptr<const RowFile> file;
  Directory chunks;
};

inline std::int64_t Codes::label(Row row) const {
  const auto [index, place] = PlaceOf(row, full_bits_);
  return (*directory_)[index]->labels[place];
}

inline bool Codes::is_removed(Row row) const {
  const auto [index, place] = PlaceOf(row, full_bits_);
  return (*directory_)[index]->tombstones[place / kBlock].load(std::memory_order_relaxed) >>
             (place % kBlock) &
         1;
}

/// The rows at the time of view(), with current tombstones. Keeps their memory alive.
class Codes::View {
 public:
  /// Includes removed rows.
  std::size_t size() const { return size_; }
  std::size_t dimension() const { return dimension_; }
  std::size_t subquantizers() const { return subquantizers_; }
  std::size_t width() const { return PaddedDimension(dimension_); }

  Rows From(Row row) const {
    const auto [index, place] = PlaceOf(row, full_bits_);
    const Chunk& chunk = *(*directory_)[index];
    return {std::min(chunk.capacity - place, size_ - row),
            chunk.scales + place,
            chunk.residuals + place,
            chunk.offsets + place,
            chunk.labels + place,
            chunk.packed + place / kFastScanBlock * FastScanBlockBytes(subquantizers_)};
  }

  std::int64_t label(Row row) const { return *From(row).labels; }

  std::size_t stored() const { return stored_; }
  std::size_t rows_of_file() const { return rows_of_file_; }
  const Files& files() const { return *files_; }
  /// Of rows in memory: `From(row).count` consecutive rows.
  Planes InMemory(Row row) const {
    const auto [index, place] = PlaceOf(row, full_bits_);
    const Chunk& chunk = *(*directory_)[index];
    return {chunk.high + place * width(), chunk.low + place * width()};
  }

  void Decode(Row row, Planes planes, std::span<float> coordinates) const {
    const float scale = *From(row).scales;
    for (std::size_t i = 0; i < dimension_; ++i) {
      coordinates[i] = scale * static_cast<float>(256 * planes.high[i] + planes.low[i]);
    }
  }

  std::uint64_t Tombstones(Row row) const {
    const auto [index, place] = PlaceOf(row, full_bits_);
    return (*directory_)[index]->tombstones[place / kBlock].load(std::memory_order_relaxed);
  }
  bool is_removed(Row row) const { return Tombstones(row) >> (row % kBlock) & 1; }

 private:
  friend class Codes;

  std::size_t dimension_ = 0;
  std::size_t subquantizers_ = 0;
  unsigned full_bits_ = 0;
  std::size_t size_ = 0;
  std::size_t rows_of_file_ = kRowsOfFile;
  std::size_t stored_ = 0;
  std::shared_ptr<const Directory> directory_;
  std::shared_ptr<const Files> files_;
};

}  // namespace visage::search
