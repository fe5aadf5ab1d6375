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
#include "search/graph.h"
#include "search/label_table.h"
#include "search/proposer.h"
#include "search/snapshot.h"

namespace visage::search {

/// Inner-product search over the vectors of one gallery, each known by a label.
///
/// Vectors of any length are kept as 16-bit numbers. Over unit vectors a unit probe's score is the cosine,
/// -1..1, to about 1e-5; a longer probe's is as many times larger in the same order, a zero probe's is 0
/// everywhere. Thread-safe; searches run side by side, and beside writes.
///
/// A small gallery is searched exactly. From `graph_from` vectors on a graph is built in the background, and
/// a search follows it to the rows that it has, and looks at all others. What is removed leaves a tombstone;
/// when those are more than a quarter, the rows are copied without them in the background. So a gallery
/// changes under the searches only by a few pointers at a time.
///
/// Where there is a GPU to keep rows on, a gallery with a graph is copied to it as well, again in the
/// background. A search then ranks the rows that the GPU proposes in place of those that the graph leads to;
/// where they are too few, or the GPU fails, it goes on without.
class GalleryIndex : public BackgroundWork, public std::enable_shared_from_this<GalleryIndex> {
 public:
  struct Matches {
    std::vector<std::int64_t> labels;
    std::vector<float> scores;
  };

  struct Stats {
    /// Rows of vectors that were removed, whose memory is still held.
    std::size_t tombstones;
    /// Rows that the graph has, tombstones too; the others are looked at one by one. 0 where there is no
    /// graph.
    std::size_t linked;
  };

  /// An exact search for the best one is as fast as a graph's among about so many.
  static constexpr std::size_t kGraphFrom = 8192;

  /// @param dimension floats of a vector, 1..65536. @param background what does the slow part.
  /// @param graph_from vectors from which on there is a graph; with half of them it is given up again. What
  /// else is found exactly follows from it: more matches, few allowed vectors.
  /// @param device makes rows on a GPU; null for none.
  GalleryIndex(std::size_t dimension, std::shared_ptr<Background> background,
               std::size_t graph_from = kGraphFrom, base::DeviceRows::Factory device = nullptr);

  std::size_t dimension() const { return dimension_; }
  /// Vectors held. Does not wait for a write that is going on.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// Bytes of memory in use: rows, graph, and what is being made to take their place. Does not wait.
  std::size_t bytes() const { return code_bytes_ + background_bytes_; }
  /// Does not wait.
  Stats stats() const { return {tombstones_, linked_}; }
  /// Rows that are on the GPU, tombstones too; and why there are none, where it has failed. Their memory is
  /// not in `bytes`.
  struct OnDevice {
    std::size_t rows = 0;
    std::string failure;
  };
  OnDevice on_device() const;

  /// Adds vectors; one whose label is held replaces the held one, and the last of those that share a label
  /// stays.
  /// @param vectors `labels.size() * dimension` floats, all finite.
  void Add(std::span<const std::int64_t> labels, std::span<const float> vectors);

  /// Removes vectors. @returns how many were held.
  std::size_t Remove(std::span<const std::int64_t> labels);

  /// The `k` best or as many as there are, best first. With a graph the `k` best that it leads to.
  /// @param probe `dimension` floats, all finite.
  /// @param width rows of the graph that are followed, more for tombstones; 0 for as many as find 99.9 % of
  /// the best ones.
  Matches Search(std::span<const float> probe, std::size_t k, std::size_t width = 0) const;

  /// The same among the vectors with these labels; unknown and repeated ones are passed over. More rows are
  /// followed the fewer are allowed.
  Matches Search(std::span<const float> probe, std::size_t k, std::span<const std::int64_t> allowed,
                 std::size_t width = 0) const;

  /// What is held at this moment, for a snapshot.
  IndexContents Contents() const;

  /// Takes the rows and the graph of a snapshot into an index that never held anything. @throws SnapshotError
  /// where two rows have one label.
  void Adopt(SnapshotContents contents);

  /// Labels of everything held, in no order.
  std::vector<std::int64_t> Labels() const;

  bool Step(const GoOn& go_on) override;

 private:
  using Row = Codes::Row;

  /// Rows, where each label is, and the graph over the rows, if any. A large one is discarded in the
  /// background, whoever is the last to look at it.
  struct Generation : Leftover {
    explicit Generation(std::size_t dimension) : codes(dimension) {}

    Codes codes;
    LabelTable rows{codes};
    std::shared_ptr<Graph> graph;
    /// Null where there is no GPU, or no graph.
    std::shared_ptr<Proposer> proposer;
  };
  /// The living rows of a generation on their way into a new one.
  struct Copy {
    std::shared_ptr<Generation> generation;
    /// Rows of the old generation before this one are copied, or were not living.
    Row looked_at = 0;
    /// The old row of each new one.
    std::vector<Row> origins;
  };
  /// What one search looks at.
  struct Sight {
    /// Of all that follows; the last to be let go.
    std::shared_ptr<const Generation> generation;
    Codes::View view;
    std::shared_ptr<const Graph> graph;
    Row linked;
    std::shared_ptr<Proposer> proposer;
    Row on_device;
    std::size_t removed;
  };

  std::shared_ptr<Generation> NewGeneration() const;
  Sight Look() const;
  /// So many rows are looked at one after the other in the time of following `width` of the graph.
  double ExactRows(double width) const;
  /// Offers the best rows of those that the GPU or else the graph has.
  /// @param share of all rows that may be found, 0..1. @param width rows of the graph that are to be followed
  /// if all may; 0 for as many as it takes. @param allowed a bit a row; all rows where it is empty.
  /// @returns the row from which on the others are to be looked at.
  Row SearchKnown(const Sight& sight, std::span<const float> vector, const Probe& probe, std::size_t k,
                  double share, std::size_t width, std::span<const std::uint64_t> allowed,
                  Nearest& nearest) const;
  /// Offers the best rows of the GPU. @returns whether it did, and found as many as there should be.
  bool SearchDevice(const Sight& sight, std::span<const float> vector, const Probe& probe, std::size_t k,
                    double share, std::span<const std::uint64_t> allowed, Nearest& nearest) const;
  /// Offers the best rows of the graph, if there are enough that following it pays.
  /// @param width rows that are followed. @param allowed a bit a row; all rows where it is empty.
  /// @returns whether it did, and found as many as there should be.
  bool SearchGraph(const Sight& sight, const Probe& probe, std::size_t k, double width,
                   std::span<const std::uint64_t> allowed, Nearest& nearest) const;

  void RemoveRow(Row row);
  /// Tells what a write has changed, and has the background do what it makes necessary.
  void Report();
  bool IsWorn() const;

  // Upkeep, with `background_mutex_` held.

  /// Gives the gallery a graph, or takes it away, as its size has it.
  void SeeToGraph();
  /// The same of its rows on the GPU.
  void SeeToProposer();
  /// Starts a copy where there are too many tombstones. @returns whether a copy is under way.
  bool EnsureCopy();
  /// Copies some rows and repeats the removals of others. @returns whether there are more.
  bool CopySome();
  /// Puts the copy in the place of the rows where it has them all. @returns those, to be forgotten.
  std::shared_ptr<Generation> TakeOver();
  void CopyRows(const Codes::View& from, std::size_t last);
  /// @param removed rows of the old generation.
  void RemoveFromCopy(std::span<const Row> removed);
  void ReportGraphs();

  const std::size_t dimension_;
  const std::size_t graph_from_;
  const std::shared_ptr<Background> background_;
  const base::DeviceRows::Factory device_;

  /// Of what follows up to the next comment; held only to look something up or change a few rows, and not
  /// while anything is computed.
  mutable std::shared_mutex mutex_;
  std::shared_ptr<Generation> now_;
  /// Rows that were removed since the copying has begun, and whether it has.
  std::vector<Row> removed_meanwhile_;
  bool is_copying_ = false;

  /// Of the copy; never waited for by a search or write.
  std::mutex background_mutex_;
  std::unique_ptr<Copy> copy_;

  std::atomic<std::size_t> size_ = 0;
  std::atomic<std::size_t> tombstones_ = 0;
  std::atomic<std::size_t> linked_ = 0;
  std::atomic<std::size_t> code_bytes_ = 0;
  std::atomic<std::size_t> background_bytes_ = 0;
};

}  // namespace visage::search
