#include "search/row_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "search/row_file.h"

namespace visage::search {

void DamagedRows::Note(Codes::Row row) {
  const std::lock_guard lock(mutex_);
  rows_.push_back(row);
}

std::vector<Codes::Row> DamagedRows::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(rows_, {});
}

const RowFile& RowReader::FileOf(Row row) const { return *view_.files()[row / view_.rows_of_file()]; }

std::span<std::byte> RowReader::Record(std::size_t place) {
  const std::size_t bytes = RowFile::PlaneBytes(view_.width());
  return std::span(records_).subspan(place * bytes, bytes);
}

Planes RowReader::InRecord(std::size_t place) const {
  const std::size_t bytes = RowFile::PlaneBytes(view_.width());
  const auto* high = reinterpret_cast<const std::int8_t*>(records_.data() + place * bytes);
  return {high, high + view_.width()};
}

void RowReader::Check(Row row, std::span<std::byte> record, bool is_read) {
  if (is_read && FileOf(row).IsWhole(record, view_.label(row))) return;
  std::ranges::fill(record, std::byte{0});
  // A removed row can be erased at any time.
  if (!view_.is_removed(row)) damaged_.Note(row);
}

Planes RowReader::StoredBlock(Row first, std::size_t count) {
  const std::size_t width = view_.width();
  const std::size_t bytes = RowFile::PlaneBytes(width);
  records_.resize(count * bytes);
  block_.resize(2 * Codes::kBlock * width);
  const bool is_read = FileOf(first).ReadPlanes(first % view_.rows_of_file(), records_, true);
  std::int8_t* high = block_.data();
  std::int8_t* low = high + Codes::kBlock * width;
  for (std::size_t i = 0; i < count; ++i) {
    Check(first + static_cast<Row>(i), Record(i), is_read);
    std::memcpy(high + i * width, Record(i).data(), width);
    std::memcpy(low + i * width, Record(i).data() + width, width);
  }
  return {high, low};
}

void RowReader::Fetch(std::span<const Row> rows) {
  fetched_ = rows;
  if (view_.stored() == 0) return;
  records_.resize(rows.size() * RowFile::PlaneBytes(view_.width()));
  const auto read = [&](std::size_t place, bool may_wait) {
    const Row row = rows[place];
    return FileOf(row).ReadPlanes(row % view_.rows_of_file(), Record(place), may_wait);
  };
  std::vector<std::size_t> uncached;
  for (std::size_t place = 0; place < rows.size(); ++place) {
    if (rows[place] >= view_.stored()) continue;
    if (read(place, false)) {
      Check(rows[place], Record(place), true);
    } else {
      uncached.push_back(place);
    }
  }
  std::ranges::sort(uncached, {}, [&](std::size_t place) { return rows[place]; });
  for (const std::size_t place : uncached) FileOf(rows[place]).Advise(rows[place] % view_.rows_of_file());
  for (const std::size_t place : uncached) Check(rows[place], Record(place), read(place, true));
}

void RowReader::Prefetch(std::size_t place) const {
  if (place >= fetched_.size()) return;
  const Row row = fetched_[place];
  const Codes::Rows rows = view_.From(row);
  __builtin_prefetch(rows.scales);
  __builtin_prefetch(rows.residuals);
  __builtin_prefetch(rows.offsets);
  if (row < view_.stored()) return;
  const Planes planes = view_.InMemory(row);
  for (std::size_t at = 0; at < view_.width(); at += 64) __builtin_prefetch(planes.high + at);
}

}  // namespace visage::search
