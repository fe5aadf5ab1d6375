#include "search/row_reader.h"

namespace visage::search {

void RowReader::Prefetch(std::size_t place) const {
  if (place >= fetched_.size()) return;
  const Row row = fetched_[place];
  const Planes planes = view_.InMemory(row);
  const Codes::Rows rows = view_.From(row);
  for (std::size_t at = 0; at < view_.width(); at += 64) __builtin_prefetch(planes.high + at);
  __builtin_prefetch(rows.scales);
  __builtin_prefetch(rows.residuals);
  __builtin_prefetch(rows.offsets);
}

}  // namespace visage::search
