#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "search/codes.h"

namespace visage::search {

/// Unreadable rows on disk without a tombstone. Thread-safe.
class DamagedRows {
 public:
  void Note(Codes::Row row);
  std::vector<Codes::Row> Take();

 private:
  std::mutex mutex_;
  std::vector<Codes::Row> rows_;
};

/// Reads the planes of a view's rows, from memory or disk. They stay valid until the next call, those of
/// Fetched until the next Fetch. Damaged rows have zero planes. Not thread-safe.
class RowReader {
 public:
  using Row = Codes::Row;
  static constexpr std::size_t kMostFetched = 512;

  /// @param view and damaged outlive the reader.
  RowReader(const Codes::View& view, DamagedRows& damaged) : view_(view), damaged_(damaged) {}

  const Codes::View& view() const { return view_; }

  /// @param count of rows, within a block of kBlock.
  Planes Block(Row first, std::size_t count) {
    return first < view_.stored() ? StoredBlock(first, count) : view_.InMemory(first);
  }

  /// Reads rows at any places for Fetched, all misses of the page cache at once. @param rows outlive its use.
  void Fetch(std::span<const Row> rows);
  Planes Fetched(std::size_t place) {
    Prefetch(place + kAhead);
    const Row row = fetched_[place];
    return row < view_.stored() ? InRecord(place) : view_.InMemory(row);
  }

 private:
  static constexpr std::size_t kAhead = 8;

  Planes StoredBlock(Row first, std::size_t count);
  Planes InRecord(std::size_t place) const;
  std::span<std::byte> Record(std::size_t place);
  const RowFile& FileOf(Row row) const;
  /// Clears a damaged record.
  void Check(Row row, std::span<std::byte> record, bool is_read);
  void Prefetch(std::size_t place) const;

  const Codes::View& view_;
  DamagedRows& damaged_;
  std::span<const Row> fetched_;
  std::vector<std::byte> records_;
  std::vector<std::int8_t> block_;
};

}  // namespace visage::search
