#pragma once

#include <span>

#include "search/codes.h"

namespace visage::search {

/// Reads the planes of a view's rows. Planes stay valid until the next call, but for Fetched until the next
/// Fetch. Not thread-safe.
class RowReader {
 public:
  using Row = Codes::Row;
  /// Most rows of a Fetch.
  static constexpr std::size_t kMostFetched = 512;

  /// @param view outlives the reader.
  explicit RowReader(const Codes::View& view) : view_(view) {}

  const Codes::View& view() const { return view_; }

  /// @param count of consecutive rows within a block of kBlock rows.
  Planes Block(Row first, std::size_t /*count*/) { return view_.InMemory(first); }

  /// Reads rows at any places for Fetched. @param rows outlive its use.
  void Fetch(std::span<const Row> rows) { fetched_ = rows; }
  Planes Fetched(std::size_t place) {
    Prefetch(place + kAhead);
    return view_.InMemory(fetched_[place]);
  }

 private:
  static constexpr std::size_t kAhead = 8;

  void Prefetch(std::size_t place) const;

  const Codes::View& view_;
  std::span<const Row> fetched_;
};

}  // namespace visage::search
