#include "search/gallery_index.h"

#include <algorithm>
#include <cmath>

#include "search/fast_scan.h"
#include "search/row.h"

namespace visage::search {
namespace {

/// Proposals for the first and each further match. They include the best match of 0.9995 of probes among
/// 1,000,000 people (docs/performance.md).
constexpr double kProposals = 300;
constexpr double kProposalsPerMatch = 8;
/// Costs of a fast-scanned row, a proposal, and a row at a random place, in rows of an exact scan.
constexpr double kFastRow = 0.25;
constexpr double kProposal = 16;
constexpr double kRandomRow = 4;
constexpr double kLeastShare = 0.85;
constexpr std::size_t kLongTail = 256;
constexpr std::size_t kFastPiece = std::size_t{1} << 17;
constexpr std::size_t kExactPiece = std::size_t{1} << 14;

double Proposals(std::size_t k) { return kProposals + kProposalsPerMatch * static_cast<double>(k - 1); }

/// The GPU's half-precision order is nearly exact.
double DeviceProposals(std::size_t k) { return 1.5 * static_cast<double>(k) + 8; }

template <typename Scan>
void ScanInPieces(base::Team& team, std::size_t first, std::size_t last, std::size_t k, Nearest& nearest,
                  const Scan& scan) {
  if (last <= first + kExactPiece) {
    if (first < last) scan(first, last, nearest);
    return;
  }
  std::vector<Nearest> found((last - first + kExactPiece - 1) / kExactPiece, Nearest(k));
  team.Share(found.size(), [&](std::size_t piece, std::size_t) {
    const std::size_t start = first + piece * kExactPiece;
    scan(start, std::min(last, start + kExactPiece), found[piece]);
  });
  for (Nearest& piece : found) {
    for (const auto& [score, row] : piece.Take()) nearest.Offer(score, row);
  }
}

std::vector<Codes::Row> FastScanInPieces(base::Team& team, const Codes::View& view, std::size_t last,
                                         std::span<const float> tables, std::size_t count) {
  std::vector<std::vector<Proposal>> found((last + kFastPiece - 1) / kFastPiece);
  team.Share(found.size(), [&](std::size_t piece, std::size_t) {
    FastScan scan(tables, view.subquantizers(), count);
    const std::size_t end = std::min(last, (piece + 1) * kFastPiece);
    for (std::size_t row = piece * kFastPiece; row < end;) {
      const Codes::Rows rows = view.From(static_cast<Codes::Row>(row));
      const std::size_t taken = std::min(rows.count, end - row);
      scan.Scan(rows.packed, taken / kFastScanBlock, static_cast<std::uint32_t>(row));
      row += taken;
    }
    found[piece] = scan.Take();
  });
  std::vector<Proposal> all;
  for (const auto& piece : found) all.insert(all.end(), piece.begin(), piece.end());
  std::vector<Codes::Row> best(std::min(count, all.size()));
  if (found.size() > 1) {
    const auto last_best = all.begin() + static_cast<std::ptrdiff_t>(best.size());
    std::ranges::nth_element(all, last_best);
    std::sort(all.begin(), last_best);
  }
  for (std::size_t i = 0; i < best.size(); ++i) best[i] = all[i].row;
  return best;
}

/// @returns false and offers nothing if the proposals hold fewer than `k`, or miss allowed rows.
bool Rank(RowReader& reader, std::span<const Codes::Row> proposals, Codes::Row last, const Probe& probe,
          std::size_t k, double expected, std::span<const std::uint64_t> allowed, Nearest& nearest) {
  const Codes::View& view = reader.view();
  std::vector<Codes::Row> rows;
  rows.reserve(proposals.size());
  for (const Codes::Row row : proposals) {
    if (row >= last || view.is_removed(row)) continue;
    if (!allowed.empty() && !(allowed[row / 64] >> (row % 64) & 1)) continue;
    rows.push_back(row);
  }
  if (rows.size() < k || static_cast<double>(rows.size()) < kLeastShare * expected) return false;
  ScanExact(BestKernels(), reader, probe, rows, nearest);
  return true;
}

}  // namespace

GalleryIndex::GalleryIndex(std::shared_ptr<const SearchSpace> space, std::shared_ptr<Background> background,
                           base::DeviceRows::Factory device, std::optional<RowFolder> folder)
    : space_(std::move(space)),
      background_(std::move(background)),
      device_(device),
      folder_(std::move(folder)),
      now_(NewGeneration()) {}

Codes GalleryIndex::NewCodes() const {
  return Codes(space_->rank(), space_->subquantizers(), folder_ ? folder_->rows_of_file : Codes::kRowsOfFile);
}

std::shared_ptr<GalleryIndex::Generation> GalleryIndex::NewGeneration() const {
  const auto discard = [background = background_](Generation* generation) {
    std::unique_ptr<Generation> last(generation);
    if (last->codes.size() >= kLarge) background->Discard(std::move(last));
  };
  return {new Generation(NewCodes()), discard};
}

void GalleryIndex::Add(std::span<const std::int64_t> labels, std::span<const std::byte> rows) {
  const std::size_t bytes = labels.empty() ? 0 : rows.size() / labels.size();
  const std::size_t rank = space_->rank();
  const std::size_t subquantizers = space_->subquantizers();
  std::vector<float> coordinates(labels.size() * rank);
  std::vector<float> offsets(labels.size());
  std::vector<std::uint8_t> codes(labels.size() * subquantizers);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto own = std::span(coordinates).subspan(i * rank, rank);
    offsets[i] = ReadRow(*space_, rows.subspan(i * bytes, bytes), own);
    space_->Encode(own, std::span(codes).subspan(i * subquantizers, subquantizers));
  }
  {
    const std::unique_lock lock(mutex_);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const Row row =
          now_->codes.Append(labels[i], std::span(coordinates).subspan(i * rank, rank), offsets[i],
                             std::span(codes).subspan(i * subquantizers, subquantizers));
      if (const auto before = now_->rows.Put(row)) RemoveRow(*before);
      damaged_.erase(labels[i]);
    }
  }
  Report();
}

std::size_t GalleryIndex::Remove(std::span<const std::int64_t> labels) {
  std::size_t removed = 0;
  {
    const std::unique_lock lock(mutex_);
    for (const std::int64_t label : labels) {
      damaged_.erase(label);
      const auto held = now_->rows.Take(label);
      if (!held) continue;
      RemoveRow(*held);
      ++removed;
    }
  }
  Report();
  return removed;
}

IndexContents GalleryIndex::Contents() const {
  const std::shared_lock lock(mutex_);
  IndexContents contents{space_, now_->codes.view(), {}};
  for (std::size_t row = 0; row < contents.view.size(); row += Codes::kBlock) {
    contents.tombstones.push_back(contents.view.Tombstones(static_cast<Codes::Row>(row)));
  }
  return contents;
}

void GalleryIndex::Adopt(Codes rows) {
  std::shared_ptr<Generation> read = NewGeneration();
  read->codes = std::move(rows);
  const Codes::View view = read->codes.view();
  for (Row row = 0; row < view.size(); ++row) {
    if (!view.is_removed(row) && read->rows.Put(row)) throw SnapshotError("it is damaged");
  }
  {
    const std::unique_lock lock(mutex_);
    now_.swap(read);
  }
  KeepFiles(&view, true);
  Report();
}

void GalleryIndex::KeepFiles(const Codes::View* view, bool is_written) {
  Codes::Files kept;
  if (view) kept = view->files();
  const std::unique_lock lock(mutex_);
  if (is_written) {
    for (const auto& file : kept_) file->Keep(false);
  } else {
    kept.insert(kept.end(), kept_.begin(), kept_.end());
  }
  for (const auto& file : kept) file->Keep(true);
  kept_.swap(kept);
}

std::vector<std::int64_t> GalleryIndex::Damaged() const {
  const std::shared_lock lock(mutex_);
  return {damaged_.begin(), damaged_.end()};
}

void GalleryIndex::NoteDamage(const Codes::View& view, const std::vector<Row>& rows) const {
  const std::unique_lock lock(mutex_);
  for (const Row row : rows) {
    // An earlier generation does not see removals.
    if (now_->rows.Find(view.label(row))) damaged_.insert(view.label(row));
  }
}

GalleryIndex::OnDisk GalleryIndex::on_disk() const {
  const std::shared_lock lock(mutex_);
  return {now_->codes.stored(), store_failure_};
}

std::vector<std::int64_t> GalleryIndex::Labels() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::int64_t> labels;
  labels.reserve(now_->rows.size());
  const Codes::View view = now_->codes.view();
  for (Row row = 0; row < view.size(); ++row) {
    if (!view.is_removed(row)) labels.push_back(view.label(row));
  }
  return labels;
}

void GalleryIndex::RemoveRow(Row row) {
  now_->codes.Remove(row);
  if (is_copying_) removed_meanwhile_.push_back(row);
}

GalleryIndex::State GalleryIndex::CurrentState() const {
  // Before the view, which then has all rows of the GPU.
  const Row on_device = now_->proposer ? now_->proposer->held() : 0;
  return {now_, now_->codes.view(), now_->proposer, on_device, now_->codes.removed(), !damaged_.empty()};
}

GalleryIndex::Query GalleryIndex::QueryOf(std::span<const std::byte> probe) const {
  std::vector<float> coordinates(space_->rank());
  const float offset = ReadRow(*space_, probe, coordinates);
  const Probe codes(coordinates);
  return {std::move(coordinates), codes, offset};
}

GalleryIndex::Matches GalleryIndex::MatchesOf(const State& state, const Query& query, Nearest& nearest,
                                              DamagedRows& damaged) const {
  if (const std::vector<Row> rows = damaged.Take(); !rows.empty()) {
    NoteDamage(state.view, rows);
    return {.labels = {}, .scores = {}, .is_damaged = true};
  }
  Matches matches;
  for (const auto& [score, row] : nearest.Take()) {
    matches.labels.push_back(state.view.label(row));
    matches.scores.push_back(static_cast<float>(score - static_cast<double>(query.offset)));
  }
  matches.is_damaged = state.is_damaged;
  return matches;
}

GalleryIndex::Matches GalleryIndex::Search(std::span<const std::byte> probe, std::size_t k,
                                           base::Team& team) const {
  std::shared_lock lock(mutex_);
  const State state = CurrentState();
  lock.unlock();
  const Query query = QueryOf(probe);
  Nearest nearest(k);
  const auto rows = static_cast<double>(state.view.size());
  const double share = 1 - static_cast<double>(state.removed) / rows;
  DamagedRows damaged;
  RowReader reader(state.view, damaged);
  const Row first = SearchProposals(state, query, k, share, rows, {}, team, reader, nearest);
  ScanInPieces(team, first, state.view.size(), k, nearest,
               [&](std::size_t start, std::size_t end, Nearest& found) {
                 RowReader own(state.view, damaged);
                 ScanExact(BestKernels(), own, query.codes, start, end, found);
               });
  return MatchesOf(state, query, nearest, damaged);
}

GalleryIndex::Matches GalleryIndex::Search(std::span<const std::byte> probe, std::size_t k,
                                           std::span<const std::int64_t> allowed, base::Team& team) const {
  std::vector<Row> rows;
  std::shared_lock lock(mutex_);
  const State state = CurrentState();
  rows.reserve(std::min(allowed.size(), now_->rows.size()));
  for (const std::int64_t label : allowed) {
    if (const auto held = now_->rows.Find(label)) rows.push_back(*held);
  }
  lock.unlock();
  std::ranges::sort(rows);
  rows.erase(std::ranges::unique(rows).begin(), rows.end());
  const Query query = QueryOf(probe);
  Nearest nearest(k);
  DamagedRows damaged;
  RowReader reader(state.view, damaged);
  std::span<const Row> left = rows;
  const auto accepted = static_cast<double>(rows.size());
  const auto all = static_cast<double>(state.view.size());
  if (kRandomRow * accepted > kFastRow * all) {
    std::vector<std::uint64_t> bits(state.view.size() / 64 + 1);
    for (const Row row : rows) bits[row / 64] |= std::uint64_t{1} << (row % 64);
    const Row first =
        SearchProposals(state, query, k, accepted / all, kRandomRow * accepted, bits, team, reader, nearest);
    left = left.subspan(static_cast<std::size_t>(std::ranges::lower_bound(rows, first) - rows.begin()));
  }
  ScanInPieces(team, 0, left.size(), k, nearest, [&](std::size_t start, std::size_t end, Nearest& found) {
    RowReader own(state.view, damaged);
    ScanExact(BestKernels(), own, query.codes, left.subspan(start, end - start), found);
  });
  return MatchesOf(state, query, nearest, damaged);
}

GalleryIndex::Row GalleryIndex::SearchProposals(const State& state, const Query& query, std::size_t k,
                                                double share, double exact_cost,
                                                std::span<const std::uint64_t> allowed, base::Team& team,
                                                RowReader& reader, Nearest& nearest) const {
  const std::size_t size = state.view.size();
  if (state.on_device >= size - size / 8 && state.on_device > 0) {
    const double needed = space_->cohort() ? Proposals(k) : DeviceProposals(k);
    const double wanted = std::ceil(needed / share);
    if (wanted <= base::DeviceRows::kMost) {
      const auto found = state.proposer->Propose(query.coordinates, static_cast<std::size_t>(wanted));
      if (Rank(reader, found, state.on_device, query.codes, k, 0, allowed, nearest)) return state.on_device;
    }
  }
  const std::size_t subquantizers = space_->subquantizers();
  const double accepted = Proposals(k);
  const double wanted = std::ceil(accepted / share);
  const double cost = kFastRow * static_cast<double>(size) + kProposal * wanted;
  if (subquantizers == 0 || !(cost < exact_cost)) return 0;
  std::vector<float> tables(subquantizers * SearchSpace::kCentroids);
  space_->Tables(query.coordinates, tables);
  const auto last = static_cast<Row>(size - size % kFastScanBlock);
  const auto found = FastScanInPieces(team, state.view, last, tables, static_cast<std::size_t>(wanted));
  return Rank(reader, found, last, query.codes, k, accepted, allowed, nearest) ? last : 0;
}

GalleryIndex::OnDevice GalleryIndex::on_device() const {
  const std::shared_lock lock(mutex_);
  if (!now_->proposer) return {};
  return {now_->proposer->held(), now_->proposer->failure()};
}

void GalleryIndex::Report() {
  bool is_work = false;
  {
    const std::shared_lock lock(mutex_);
    const std::size_t living = now_->rows.size();
    size_ = living;
    tombstones_ = now_->codes.removed();
    row_bytes_ = now_->codes.bytes() + now_->rows.bytes();
    const Proposer* proposer = now_->proposer.get();
    const std::size_t on_device = proposer ? proposer->held() : 0;
    const bool is_behind = device_ && living >= kLarge && now_->codes.stored() == 0 &&
                           !(proposer && proposer->has_failed()) &&
                           now_->codes.size() >= on_device + kLongTail;
    const bool has_needless_proposer = proposer && living < kLarge / 2;
    is_work = is_behind || has_needless_proposer || NeedsCopy() || NeedsFile(*now_);
  }
  if (is_work) background_->Enrol(shared_from_this());
}

}  // namespace visage::search
