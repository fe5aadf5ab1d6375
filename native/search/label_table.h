#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "search/codes.h"

namespace visage::search {

/// Maps labels to rows of Codes by open addressing, in about 8 bytes a label. Writes need the owner's lock.
class LabelTable {
 public:
  using Row = Codes::Row;

  /// @param codes outlives the table.
  explicit LabelTable(const Codes& codes) : codes_(codes) {}
  LabelTable(const LabelTable&) = delete;
  LabelTable& operator=(const LabelTable&) = delete;

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return slots_ * sizeof(Row); }

  std::optional<Row> Find(std::int64_t label) const;
  /// @returns the label's earlier row. @throws std::bad_alloc and changes nothing.
  std::optional<Row> Put(Row row);
  /// Removes a label. @returns its row.
  std::optional<Row> Take(std::int64_t label);

 private:
  static constexpr unsigned kPartBits = 6;
  static constexpr std::size_t kLeastSlots = 8;
  static constexpr Row kEmpty = UINT32_MAX;

  struct Part {
    /// Rows or kEmpty; their number is a power of two. No empty slot lies between a label's hash and its row.
    std::vector<Row> slots;
    std::size_t used = 0;
  };

  static std::uint64_t Hash(std::int64_t label);
  static std::size_t PartOf(std::uint64_t hash) { return hash >> (64 - kPartBits); }
  std::size_t SlotOf(const Part& part, std::int64_t label, std::uint64_t hash) const;
  void Grow(Part& part);

  const Codes& codes_;
  std::array<Part, std::size_t{1} << kPartBits> parts_;
  std::size_t size_ = 0;
  std::size_t slots_ = 0;
};

}  // namespace visage::search
