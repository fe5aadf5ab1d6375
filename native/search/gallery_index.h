#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "search/background.h"
#include "search/codes.h"
#include "search/exact.h"
#include "search/label_table.h"
#include "search/proposer.h"
#include "search/search_space.h"
#include "search/snapshot.h"

namespace visage::search {

/// Inner-product search over the templates of one gallery, each with a label. Thread-safe; searches run side
/// by side, and beside writes.
///
/// Rows hold the templates' coordinates in the pack's search space as 16-bit numbers. For unit vectors in
/// that space the score is the cosine, -1..1, to about 1e-5. A longer probe multiplies all scores; a zero
/// probe scores 0 everywhere.
///
/// A small gallery, and a gallery whose space has no quantiser, is scanned exactly. In a larger one FastScan
/// proposes candidates by the quantiser's codes, and the 16-bit rows decide among them. Every search sees all
/// rows added before it.
///
/// A removed row leaves a tombstone. When tombstones exceed a quarter, background threads copy the living
/// rows, so searches wait for the exchange of a few pointers only. With a GPU, background threads also copy
/// the rows of a large gallery to it, and the GPU proposes the candidates.
class GalleryIndex : public BackgroundWork, public std::enable_shared_from_this<GalleryIndex> {
 public:
  struct Matches {
    std::vector<std::int64_t> labels;
    std::vector<float> scores;
  };

  /// Rows from which on a GPU is used, and the memory of a gallery is freed in the background.
  static constexpr std::size_t kLarge = 8192;

  /// @param space of the gallery's model pack. @param background runs copies.
  /// @param device makes rows on a GPU; null for none.
  GalleryIndex(std::shared_ptr<const SearchSpace> space, std::shared_ptr<Background> background,
               base::DeviceRows::Factory device = nullptr);

  const SearchSpace& space() const { return *space_; }
  /// Vectors held. Does not wait for a running write.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// Memory of rows, labels and a running copy. Does not wait.
  std::size_t bytes() const { return row_bytes_ + copy_bytes_; }
  /// Removed rows that still use memory. Does not wait.
  std::size_t tombstones() const { return tombstones_; }
  /// Rows on the GPU, tombstones included; after a failure its reason. `bytes` does not count them.
  struct OnDevice {
    std::size_t rows = 0;
    std::string failure;
  };
  OnDevice on_device() const;

  /// Adds vectors. A vector replaces the held one of its label; of several with one label the last stays.
  /// @param vectors `labels.size() * space().dimension()` finite floats.
  void Add(std::span<const std::int64_t> labels, std::span<const float> vectors);

  /// @returns how many of the labels were held.
  std::size_t Remove(std::span<const std::int64_t> labels);

  /// The `k` best, or as many as there are, best first.
  /// @param probe `space().dimension()` finite floats.
  Matches Search(std::span<const float> probe, std::size_t k) const;

  /// The same among the vectors with these labels. Ignores unknown and repeated labels.
  Matches Search(std::span<const float> probe, std::size_t k, std::span<const std::int64_t> allowed) const;

  /// The contents at this moment, for a snapshot.
  IndexContents Contents() const;

  /// Takes the rows of a snapshot into an empty index. @throws SnapshotError if two rows have one label.
  void Adopt(Codes rows);

  /// Labels of all held vectors, unordered.
  std::vector<std::int64_t> Labels() const;

  bool Step(const GoOn& go_on) override;

 private:
  using Row = Codes::Row;

  /// Rows and the table of their labels. The background frees a large one.
  struct Generation : Leftover {
    explicit Generation(const SearchSpace& space) : codes(space.rank(), space.subquantizers()) {}

    Codes codes;
    LabelTable rows{codes};
    /// Null without a GPU, or for a small gallery.
    std::shared_ptr<Proposer> proposer;
  };
  /// A new generation that receives the living rows of the current one.
  struct Copy {
    std::shared_ptr<Generation> generation;
    /// Earlier rows of the current generation are copied, or have tombstones.
    Row looked_at = 0;
    /// For each copied row its row in the current generation.
    std::vector<Row> origins;
  };
  /// The state that one search reads.
  struct State {
    /// Owns all that follows, so it is released last.
    std::shared_ptr<const Generation> generation;
    Codes::View view;
    std::shared_ptr<Proposer> proposer;
    Row on_device;
    std::size_t removed;
  };
  /// A probe in the search space.
  struct Query {
    std::vector<float> coordinates;
    Probe codes;
  };

  std::shared_ptr<Generation> NewGeneration() const;
  State CurrentState() const;
  Query QueryOf(std::span<const float> probe) const;

  /// Offers the best of the rows that the GPU or the quantiser proposes, if proposals are cheaper than an
  /// exact scan.
  /// @param share of all rows that the search accepts, 0..1. @param exact_cost of the alternative, in rows of
  /// an exact scan. @param allowed a bit a row; empty accepts all rows.
  /// @returns the first row that the search must scan itself: 0 without proposals.
  Row SearchProposals(const State& state, const Query& query, std::size_t k, double share, double exact_cost,
                      std::span<const std::uint64_t> allowed, Nearest& nearest) const;

  void RemoveRow(Row row);
  /// Publishes sizes after a write, and enrols background work that the write made necessary.
  void Report();
  bool NeedsCopy() const;

  // With `background_mutex_` held:

  /// Starts or ends the use of the GPU, by the gallery's size.
  void UpdateProposer();
  /// Starts a copy if there are too many tombstones. @returns whether a copy is running.
  bool EnsureCopy();
  /// Copies some rows, and repeats removals. @returns whether there are more.
  bool CopySome(const GoOn& go_on);
  /// Makes a complete copy the current generation. @returns the earlier one; null if the copy is incomplete.
  std::shared_ptr<Generation> TakeOver();
  void CopyRows(const Codes::View& from, std::size_t last, const GoOn& go_on);
  /// @param removed rows of the current generation.
  void RemoveFromCopy(std::span<const Row> removed);
  void ReportCopy();

  const std::shared_ptr<const SearchSpace> space_;
  const std::shared_ptr<Background> background_;
  const base::DeviceRows::Factory device_;

  /// Guards the members up to the next comment. Held for look-ups and changes of a few rows only.
  mutable std::shared_mutex mutex_;
  std::shared_ptr<Generation> now_;
  /// Rows removed since the running copy began.
  std::vector<Row> removed_meanwhile_;
  bool is_copying_ = false;

  /// Guards the copy. Searches and writes never wait for it.
  std::mutex background_mutex_;
  std::unique_ptr<Copy> copy_;

  std::atomic<std::size_t> size_ = 0;
  std::atomic<std::size_t> tombstones_ = 0;
  std::atomic<std::size_t> row_bytes_ = 0;
  std::atomic<std::size_t> copy_bytes_ = 0;
};

}  // namespace visage::search
