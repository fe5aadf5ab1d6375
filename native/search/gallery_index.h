#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/team.h"
#include "search/background.h"
#include "search/codes.h"
#include "search/exact.h"
#include "search/label_table.h"
#include "search/proposer.h"
#include "search/row_file.h"
#include "search/search_space.h"
#include "search/snapshot.h"

namespace visage::search {

/// Searches one gallery's labelled rows (row.h). Thread-safe. Scores are inner products, to about 1e-5.
///
/// A scan is exact in small galleries and in spaces without a quantiser. Otherwise FastScan or a GPU proposes
/// candidates for exact scores. Searches see all rows added before.
///
/// Background threads copy the living rows of files and memory where tombstones exceed a quarter, and move a
/// large gallery's planes to disk. Searches wait only while pointers are exchanged.
class GalleryIndex : public BackgroundWork, public std::enable_shared_from_this<GalleryIndex> {
 public:
  struct Matches {
    std::vector<std::int64_t> labels;
    std::vector<float> scores;
    /// The rest is then useless: add or remove the labels of Damaged(), and search again.
    bool is_damaged = false;
  };

  /// From this many rows, searches use a GPU, and the background frees memory.
  static constexpr std::size_t kLarge = 8192;

  /// @param device null for none; unused with rows on disk. @param folder nothing to keep rows in memory.
  GalleryIndex(std::shared_ptr<const SearchSpace> space, std::shared_ptr<Background> background,
               base::DeviceRows::Factory device = nullptr, std::optional<RowFolder> folder = {});

  const SearchSpace& space() const { return *space_; }
  /// `size`, `bytes` and `tombstones` never wait for a write.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// Includes a running copy, but no GPU memory.
  std::size_t bytes() const { return row_bytes_ + copy_bytes_; }
  std::size_t tombstones() const { return tombstones_; }
  struct OnDevice {
    std::size_t rows = 0;
    std::string failure;
  };
  OnDevice on_device() const;
  struct OnDisk {
    std::size_t rows = 0;
    /// Why rows stay in memory; empty after a success.
    std::string failure;
  };
  OnDisk on_disk() const;

  /// A row replaces earlier ones of its label. @param rows one after another, in one form of row.h. @throws
  /// base::Error as ReadRow; then adds none.
  void Add(std::span<const std::int64_t> labels, std::span<const std::byte> rows);

  std::size_t Remove(std::span<const std::int64_t> labels);

  /// Up to `k` matches, best first. @param probe a row. @param team never changes the result.
  /// @throws base::Error as ReadRow.
  Matches Search(std::span<const std::byte> probe, std::size_t k, base::Team& team) const;

  /// @param allowed the only candidates; may hold unknown and repeated labels.
  Matches Search(std::span<const std::byte> probe, std::size_t k, std::span<const std::int64_t> allowed,
                 base::Team& team) const;

  IndexContents Contents() const;

  Codes NewCodes() const;
  const std::optional<RowFolder>& folder() const { return folder_; }
  /// Fills an empty index. @throws SnapshotError if two rows have one label.
  void Adopt(Codes rows);
  /// Keeps the view's files, and deletes those of earlier calls once unused. Call it with `is_written` false
  /// before a snapshot, then with true. Without a view, no snapshot exists.
  void KeepFiles(const Codes::View* view, bool is_written);

  /// Labels whose rows on disk are damaged, until Add or Remove.
  std::vector<std::int64_t> Damaged() const;

  std::vector<std::int64_t> Labels() const;

  bool Step(const GoOn& go_on) override;

 private:
  using Row = Codes::Row;

  struct Generation : Leftover {
    explicit Generation(Codes empty) : codes(std::move(empty)) {}

    Codes codes;
    LabelTable rows{codes};
    /// Null without a GPU, or for a small gallery.
    std::shared_ptr<Proposer> proposer;
  };
  struct Copy {
    std::shared_ptr<Generation> generation;
    /// Files that stay, before all copied rows.
    std::vector<std::size_t> files;
    /// Rows of `files` that labels find.
    Row adopted = 0;
    /// Earlier rows are of `files`, are copied, or have tombstones.
    Row looked_at = 0;
    std::vector<Row> origins;
  };
  struct State {
    /// Owns all that follows, so it is released last.
    std::shared_ptr<const Generation> generation;
    Codes::View view;
    std::shared_ptr<Proposer> proposer;
    Row on_device;
    std::size_t removed;
    bool is_damaged;
  };
  struct Query {
    std::vector<float> coordinates;
    Probe codes;
    float offset;
  };

  std::shared_ptr<Generation> NewGeneration() const;
  State CurrentState() const;
  Query QueryOf(std::span<const std::byte> probe) const;

  /// Offers the best proposals of the GPU or the quantiser, if cheaper than an exact scan. @param share of
  /// accepted rows, 0..1. @param exact_cost in rows. @param allowed a bit a row; empty accepts all.
  /// @returns the first row left to scan.
  Row SearchProposals(const State& state, const Query& query, std::size_t k, double share, double exact_cost,
                      std::span<const std::uint64_t> allowed, base::Team& team, RowReader& reader,
                      Nearest& nearest) const;

  /// @returns the matches, or `is_damaged`.
  Matches MatchesOf(const State& state, const Query& query, Nearest& nearest, DamagedRows& damaged) const;
  void NoteDamage(const Codes::View& view, const std::vector<Row>& rows) const;

  void RemoveRow(Row row);
  void Report();
  bool IsSparse(std::size_t file) const;
  bool NeedsCopy() const;
  bool NeedsFile(const Generation& generation) const;

  // With `background_mutex_` held:

  void UpdateProposer();
  /// @returns whether there are more rows to write.
  bool StoreSome(Generation& generation, const GoOn& go_on);
  /// @returns whether a copy is running.
  bool EnsureCopy();
  /// @returns whether there are more rows or removals to copy.
  bool CopySome(const GoOn& go_on);
  /// @returns the earlier generation; null if the copy is incomplete.
  std::shared_ptr<Generation> TakeOver();
  /// @returns whether all files that stay are in the copy.
  bool AdoptFiles(const Codes::View& from, const GoOn& go_on);
  void CopyRows(const Codes::View& from, std::size_t last, const GoOn& go_on);
  std::optional<Row> InCopy(Row row) const;
  void RemoveFromCopy(std::span<const Row> removed);
  void ReportCopy();

  const std::shared_ptr<const SearchSpace> space_;
  const std::shared_ptr<Background> background_;
  const base::DeviceRows::Factory device_;
  const std::optional<RowFolder> folder_;

  /// Guards the members up to the next comment. Held briefly.
  mutable std::shared_mutex mutex_;
  std::shared_ptr<Generation> now_;
  std::vector<Row> removed_meanwhile_;
  bool is_copying_ = false;
  mutable std::unordered_set<std::int64_t> damaged_;
  std::string store_failure_;
  std::chrono::steady_clock::time_point next_store_;
  Codes::Files kept_;

  /// Searches and writes never wait for it.
  std::mutex background_mutex_;
  std::unique_ptr<Copy> copy_;
  std::unique_ptr<RowFileWriter> writer_;

  std::atomic<std::size_t> size_ = 0;
  std::atomic<std::size_t> tombstones_ = 0;
  std::atomic<std::size_t> row_bytes_ = 0;
  std::atomic<std::size_t> copy_bytes_ = 0;
};

}  // namespace visage::search
