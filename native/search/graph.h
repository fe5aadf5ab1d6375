#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <vector>

#include "search/codes.h"
#include "search/kernels.h"
#include "search/probe.h"
#include "search/records.h"
#include "search/sketch.h"

namespace visage::search {

/// A navigable small-world graph over the rows of Codes: from a few entries, in steps from neighbour to
/// better neighbour, to the rows that are most like a probe, past nearly all others.
///
/// Yu. A. Malkov, D. A. Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical
/// Navigable Small World graphs, IEEE TPAMI 42(4), 2020. Besides, rows that a sketch of their signs shows to
/// be too far are not looked at, and a full list of links is cut back by a few links more than it has to be,
/// so that the cutting is needed less often.
///
/// Rows are linked in their order by any number of threads while others search. Lists of links are read
/// without a lock: a search meanwhile sees links from before and after, each to a row that is there. Rows
/// with tombstones are walked through like others, and found. Made for vectors of about the same length.
class Graph {
 public:
  using Row = Codes::Row;
  /// A row and its score by the high plane, in units of the probe's scale.
  struct Found {
    float score;
    Row row;
  };

  /// @param dimension of the codes, 1..65536.
  explicit Graph(std::size_t dimension);
  ~Graph();

  /// Rows before this one are linked.
  Row linked() const { return linked_.load(std::memory_order_acquire); }
  /// Memory of what is linked.
  std::size_t bytes() const;

  /// Links the next few rows of the view. From any thread.
  /// @param view the same rows each time, or more. @param go_on asked before each row, which takes a tenth of
  /// a millisecond or so; once it is false no more rows are linked, for good.
  /// @returns whether there were any. @throws std::bad_alloc.
  bool LinkSome(const Codes::View& view, const std::function<bool()>& go_on);

  /// About the best `width` of the rows, best first. Of those from `linked()` on some may be among them.
  /// @param rows a view that was made after the last call of `linked()`.
  std::vector<Found> Search(const Codes::View& rows, const Probe& probe, std::size_t width) const;

  using Writer = std::function<void(std::span<const std::byte>)>;
  using Reader = std::function<void(std::span<std::byte>)>;

  /// Writes the linked rows but for those that are left out, whose neighbours are linked to each other
  /// instead. Linking waits meanwhile, searches do not.
  /// @param numbers new number of each row, ascending, or kLeftOut; of as many rows as are to be written at
  /// most.
  void Save(std::span<const Row> numbers, const Writer& write) const;
  static constexpr Row kLeftOut = UINT32_MAX;
  /// Reads what Save wrote, on a machine of the same byte order. Whatever the bytes are, a graph that is
  /// returned can be searched and extended.
  /// @param rows how many there are. @returns null where it was not written for these, or is damaged.
  /// @throws what `read` does; std::bad_alloc.
  static std::unique_ptr<Graph> Load(std::size_t dimension, std::size_t rows, const Reader& read);

 private:
  /// Of a row in the base layer; in the layers above, which have fewer and fewer rows, of an upper node.
  using Node = std::uint32_t;
  struct Upper;
  struct BaseLayer;
  struct UpperLayer;
  struct Header;
  struct Numbering;
  class Walk;

  /// Links of a row, of which each new one makes `kNewLinks` and the rest are made by others to it; and of an
  /// upper node.
  static constexpr unsigned kBaseLinks = 32;
  static constexpr unsigned kUpperLinks = 16;
  static constexpr unsigned kNewLinks = 24;
  /// Nodes from which a new one's links are chosen.
  static constexpr std::size_t kLinkingWidth = 96;
  /// How many links fewer than it may have a list is cut back to.
  static constexpr unsigned kSpareLinks = 4;
  /// Nodes that are followed at once in the layers above.
  static constexpr std::size_t kUpperWidth = 4;
  /// Each layer has a 16th of the rows of the one below.
  static constexpr unsigned kLayerBits = 4;
  static constexpr unsigned kMostLayers = 7;
  static constexpr unsigned kLocks = 256;
  /// Rows that are linked at a time by one thread.
  static constexpr Row kSlice = 64;

  /// Where a search begins: a node of the highest layer. No row is linked where `is_empty`.
  struct Entry {
    std::uint32_t layer = 0;
    Node node = 0;
    bool is_empty = true;
  };
  Entry entry() const;
  Row EntryRow(Entry entry) const;

  static unsigned LayersOf(Row row);
  std::uint64_t* SketchOf(Row row) const;
  std::uint32_t* LinksOf(Row row) const;
  Upper& UpperOf(Node node) const;

  /// Follows the layers above `layer` to nodes of that layer that are near the target. @returns how many.
  template <typename Target>
  std::size_t Descend(const Codes::View& rows, const Target& target, Entry from, unsigned layer,
                      std::array<Node, kUpperWidth>& near) const;

  /// @param rows is made the newest view where others have linked rows that it has not.
  void Link(Codes::View& rows, Row row);
  /// @param near the best nodes of the layer, best first, without the node itself.
  template <typename Layer>
  void LinkInLayer(const Codes::View& rows, const Layer& layer, Node node, std::span<const Found> near);
  template <typename Layer>
  void LinkBack(const Codes::View& rows, const Layer& layer, Node from, Found to);
  template <typename Layer>
  std::size_t Choose(const Codes::View& rows, const Layer& layer, std::span<const Found> near,
                     std::span<Found> chosen) const;
  std::mutex& LockOf(Node node) { return locks_[node % kLocks]; }

  const std::size_t dimension_;
  const std::size_t width_;
  const std::size_t sketch_words_;
  const SketchBound bound_;
  const Kernels& kernels_;

  /// A row's sketch and links.
  Records base_;
  /// Upper nodes in the order in which they were made; a row's are next to each other, the lowest first.
  Records upper_;
  std::atomic<std::uint32_t> upper_count_ = 0;
  /// Layer in the upper half, node in the lower one; kNoEntry.
  std::atomic<std::uint64_t> entry_;
  std::mutex entry_mutex_;
  /// The length of the longest vector.
  std::atomic<float> longest_ = 0;
  std::array<std::mutex, kLocks> locks_;

  /// Held shared by who links, and alone by who wants no linking meanwhile, who would never get it from those
  /// that link in turns but for the gate before it.
  mutable std::shared_mutex linking_;
  mutable std::mutex gate_;
  /// Of the four below.
  std::mutex turns_;
  /// Has all rows that anybody has begun to link.
  Codes::View newest_;
  Row claimed_ = 0;
  std::vector<Row> under_way_;
  std::atomic<Row> linked_ = 0;
};

}  // namespace visage::search
