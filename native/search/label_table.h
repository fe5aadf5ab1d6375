#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "search/codes.h"

namespace visage::search {

/// Which row of Codes each label is in: hash tables with open addressing of nothing but row numbers, since
/// the rows know their labels. About 8 bytes a label, where a map of nodes takes five times as much.
///
/// A table that is full is made anew twice as large. There are many, by the labels' hashes, so that a write
/// that meets that is held up by the part of one of them, a millisecond at a million labels. Not thread-safe
/// for writing.
class LabelTable {
 public:
  using Row = Codes::Row;

  /// @param codes where the rows are; outlives the table.
  explicit LabelTable(const Codes& codes) : codes_(codes) {}
  LabelTable(const LabelTable&) = delete;
  LabelTable& operator=(const LabelTable&) = delete;

  std::size_t size() const { return size_; }
  /// Memory of the tables.
  std::size_t bytes() const { return slots_ * sizeof(Row); }

  std::optional<Row> Find(std::int64_t label) const;
  /// Puts a label where this row of the codes is, which has it. @returns the row where it was. @throws
  /// std::bad_alloc, and then nothing has changed.
  std::optional<Row> Put(Row row);
  /// Forgets a label. @returns where it was.
  std::optional<Row> Take(std::int64_t label);

 private:
  static constexpr unsigned kPartBits = 6;
  static constexpr std::size_t kLeastSlots = 8;
  static constexpr Row kEmpty = UINT32_MAX;

  struct Part {
    /// Rows or kEmpty; a power of two of them. A label is at its hash's slot or after it, with none empty
    /// between.
    std::vector<Row> slots;
    std::size_t used = 0;
  };

  static std::uint64_t Hash(std::int64_t label);
  static std::size_t PartOf(std::uint64_t hash) { return hash >> (64 - kPartBits); }
  /// The slot of a label, or the empty one where it would be. @param part with slots.
  std::size_t SlotOf(const Part& part, std::int64_t label, std::uint64_t hash) const;
  void Grow(Part& part);

  const Codes& codes_;
  std::array<Part, std::size_t{1} << kPartBits> parts_;
  std::size_t size_ = 0;
  std::size_t slots_ = 0;
};

}  // namespace visage::search
