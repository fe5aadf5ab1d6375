#include <algorithm>
#include <utility>

#include "search/gallery_index.h"

namespace visage::search {
namespace {

constexpr std::size_t kFewTombstones = 1024;
/// A copy takes up each row's label again, so it must remove one row of this many.
constexpr std::size_t kLeastSwept = 16;
constexpr std::size_t kCopied = 1024;
constexpr unsigned kStoredPieces = 8;
constexpr std::chrono::seconds kStoreAgain{60};

}  // namespace

bool GalleryIndex::IsSparse(std::size_t file) const {
  return 4 * now_->codes.removed_of(file) > now_->codes.rows_of_file();
}

bool GalleryIndex::NeedsCopy() const {
  const Codes& codes = now_->codes;
  std::size_t in_memory = codes.removed();
  if (in_memory < kFewTombstones) return false;
  std::size_t sweepable = 0;
  for (std::size_t file = 0; file < codes.stored() / codes.rows_of_file(); ++file) {
    in_memory -= codes.removed_of(file);
    if (IsSparse(file)) sweepable += codes.removed_of(file);
  }
  if (4 * in_memory > codes.size() - codes.stored()) sweepable += in_memory;
  return sweepable >= kFewTombstones && kLeastSwept * sweepable > codes.size();
}

bool GalleryIndex::NeedsFile(const Generation& generation) const {
  return folder_ && now_->rows.size() >= folder_->least &&
         generation.codes.size() >= generation.codes.stored() + folder_->rows_of_file &&
         std::chrono::steady_clock::now() >= next_store_;
}

bool GalleryIndex::StoreSome(Generation& generation, const GoOn& go_on) {
  Codes::View view;
  {
    const std::shared_lock lock(mutex_);
    if (!NeedsFile(generation)) {
      writer_.reset();
      return false;
    }
    view = generation.codes.view();
  }
  std::shared_ptr<const void> old;
  try {
    if (!writer_) {
      const RowFile::Layout layout = {folder_->rows_of_file, view.width(), view.subquantizers(),
                                      space_->mark()};
      writer_ = std::make_unique<RowFileWriter>(folder_->prefix, layout, static_cast<Row>(view.stored()));
    }
    for (unsigned piece = 0; writer_->WriteSome(view); ++piece) {
      if (piece == kStoredPieces || !go_on()) return true;
    }
    Codes::Stored stored = Codes::WithoutPlanes(view, writer_->Finish());
    writer_.reset();
    const std::unique_lock lock(mutex_);
    old = generation.codes.Store(std::move(stored));
    store_failure_.clear();
  } catch (const SnapshotError& error) {
    writer_.reset();
    const std::unique_lock lock(mutex_);
    store_failure_ = error.what();
    next_store_ = std::chrono::steady_clock::now() + kStoreAgain;
    return false;
  }
  return true;
}

bool GalleryIndex::Step(const GoOn& go_on) {
  std::shared_ptr<Generation> old;
  std::shared_ptr<Proposer> proposer;
  Codes::View rows;
  bool has_more = false;
  {
    const std::lock_guard background(background_mutex_);
    if (EnsureCopy()) {
      has_more = StoreSome(*copy_->generation, go_on) || CopySome(go_on);
      if (!has_more) {
        old = TakeOver();
        has_more = true;
      }
    } else if (StoreSome(*now_, go_on)) {
      has_more = true;
    } else if (device_) {
      UpdateProposer();
      const std::shared_lock lock(mutex_);
      proposer = now_->proposer;
      rows = now_->codes.view();
    }
    ReportCopy();
  }
  if (has_more) Report();
  if (proposer && proposer->ExtendSome(rows)) has_more = true;
  return has_more;
}

void GalleryIndex::UpdateProposer() {
  std::shared_ptr<Proposer> proposer;
  {
    const std::shared_lock lock(mutex_);
    const std::size_t living = now_->rows.size();
    if (now_->proposer ? living >= kLarge / 2 && now_->codes.stored() == 0
                       : living < kLarge || now_->codes.stored() > 0) {
      return;
    }
    if (!now_->proposer) proposer = std::make_shared<Proposer>(device_, space_->rank());
  }
  const std::unique_lock lock(mutex_);
  now_->proposer.swap(proposer);
}

bool GalleryIndex::EnsureCopy() {
  if (copy_) return true;
  auto copy = std::make_unique<Copy>();
  std::size_t copied;
  {
    const std::shared_lock lock(mutex_);
    if (!NeedsCopy()) return false;
    const Codes& codes = now_->codes;
    copied = codes.size() - codes.removed();
    for (std::size_t file = 0; file < codes.stored() / codes.rows_of_file(); ++file) {
      if (IsSparse(file)) continue;
      copy->files.push_back(file);
      copied -= codes.rows_of_file() - codes.removed_of(file);
    }
  }
  writer_.reset();
  copy->generation = NewGeneration();
  copy->origins.reserve(copied);
  const std::unique_lock lock(mutex_);
  is_copying_ = true;
  copy_ = std::move(copy);
  return true;
}

bool GalleryIndex::CopySome(const GoOn& go_on) {
  Codes::View from;
  std::vector<Row> removed;
  {
    const std::unique_lock lock(mutex_);
    from = now_->codes.view();
    removed.swap(removed_meanwhile_);
  }
  try {
    if (AdoptFiles(from, go_on)) CopyRows(from, std::min(from.size(), copy_->looked_at + kCopied), go_on);
  } catch (const std::bad_alloc&) {
    const std::unique_lock lock(mutex_);
    is_copying_ = false;
    removed_meanwhile_.clear();
    copy_.reset();
    writer_.reset();
    throw;
  }
  RemoveFromCopy(removed);
  return copy_->looked_at < from.size();
}

bool GalleryIndex::AdoptFiles(const Codes::View& from, const GoOn& go_on) {
  Generation& next = *copy_->generation;
  const std::size_t all = copy_->files.size() * from.rows_of_file();
  const std::size_t last = std::min(all, copy_->adopted + kCopied);
  for (Row& row = copy_->adopted; row < last; ++row) {
    if (row == next.codes.size()) next.codes.Append(from, copy_->files[row / from.rows_of_file()]);
    if (row % Codes::kBlock == 0 && !go_on()) return false;
    if (!next.codes.is_removed(row)) next.rows.Put(row);
  }
  return last == all;
}

void GalleryIndex::CopyRows(const Codes::View& from, std::size_t last, const GoOn& go_on) {
  Generation& next = *copy_->generation;
  std::vector<float> coordinates(space_->rank());
  std::vector<std::uint8_t> codes(space_->subquantizers());
  DamagedRows damaged;
  RowReader reader(from, damaged);
  for (; copy_->looked_at < last; ++copy_->looked_at) {
    const Row row = copy_->looked_at;
    if (row % Codes::kBlock == 0 && !go_on()) return;
    if (std::ranges::binary_search(copy_->files, row / from.rows_of_file())) {
      copy_->looked_at += static_cast<Row>(from.rows_of_file()) - 1;
      continue;
    }
    if (from.is_removed(row)) continue;
    const Planes planes = reader.Block(row, 1);
    if (const std::vector<Row> bad = damaged.Take(); !bad.empty()) {
      NoteDamage(from, bad);
      continue;
    }
    copy_->origins.push_back(row);
    from.Decode(row, planes, coordinates);
    space_->Encode(coordinates, codes);
    // A label with another vector since comes again in a later row.
    next.rows.Put(next.codes.Append(from, row, planes, codes));
  }
}

std::optional<GalleryIndex::Row> GalleryIndex::InCopy(Row row) const {
  const std::size_t rows_of_file = copy_->generation->codes.rows_of_file();
  const auto place_of = [](const auto& sorted, std::size_t value) -> std::optional<std::size_t> {
    const auto found = std::ranges::lower_bound(sorted, value);
    if (found == sorted.end() || *found != value) return {};
    return static_cast<std::size_t>(found - sorted.begin());
  };
  if (const auto file = place_of(copy_->files, row / rows_of_file)) {
    const auto adopted = static_cast<Row>(*file * rows_of_file + row % rows_of_file);
    if (adopted >= copy_->generation->codes.size()) return {};
    return adopted;
  }
  // The copy lacks rows that had a tombstone when it reached them.
  const auto origin = place_of(copy_->origins, row);
  if (!origin) return {};
  return static_cast<Row>(copy_->files.size() * rows_of_file + *origin);
}

void GalleryIndex::RemoveFromCopy(std::span<const Row> removed) {
  Generation& next = *copy_->generation;
  for (const Row row : removed) {
    const auto copied = InCopy(row);
    if (!copied) continue;
    next.codes.Remove(*copied);
    const std::int64_t label = next.codes.label(*copied);
    if (next.rows.Find(label) == copied) next.rows.Take(label);
  }
}

std::shared_ptr<GalleryIndex::Generation> GalleryIndex::TakeOver() {
  std::unique_ptr<Copy> done;
  const std::unique_lock lock(mutex_);
  // Searches must not wait for allocations: take another step.
  if (copy_->looked_at < now_->codes.size() || !removed_meanwhile_.empty()) return {};
  is_copying_ = false;
  done = std::move(copy_);
  return std::exchange(now_, std::move(done->generation));
}

void GalleryIndex::ReportCopy() {
  copy_bytes_ = copy_ ? copy_->generation->codes.bytes() + copy_->generation->rows.bytes() : 0;
}

}  // namespace visage::search
