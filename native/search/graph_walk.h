#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "search/graph.h"

namespace visage::search {

/// @file What searching and linking share. Included by the graph's own sources only.

inline constexpr std::uint64_t kNoEntry = UINT64_MAX;

/// A node of a layer above the base. Links hold a node's number plus one, and 0 after the last.
struct Graph::Upper {
  Row row;
  /// 1 for the lowest.
  std::uint32_t layer;
  std::array<std::uint32_t, kUpperLinks> links;
};

/// Links are read and written by several threads.
inline std::uint32_t LinkAt(const std::uint32_t* links, unsigned i) {
  return std::atomic_ref(const_cast<std::uint32_t&>(links[i])).load(std::memory_order_acquire);
}
inline void SetLink(std::uint32_t* links, unsigned i, std::uint32_t link) {
  std::atomic_ref(links[i]).store(link, std::memory_order_release);
}

struct Graph::BaseLayer {
  static constexpr unsigned kLinks = kBaseLinks;
  const Graph& graph;
  Row row(Node node) const { return node; }
  std::uint32_t* links(Node node) const { return graph.LinksOf(node); }
};

struct Graph::UpperLayer {
  static constexpr unsigned kLinks = kUpperLinks;
  const Graph& graph;
  Row row(Node node) const { return graph.UpperOf(node).row; }
  std::uint32_t* links(Node node) const { return graph.UpperOf(node).links.data(); }
};

inline Graph::Upper& Graph::UpperOf(Node node) const { return *reinterpret_cast<Upper*>(upper_[node]); }
inline std::uint64_t* Graph::SketchOf(Row row) const { return reinterpret_cast<std::uint64_t*>(base_[row]); }
inline std::uint32_t* Graph::LinksOf(Row row) const {
  return reinterpret_cast<std::uint32_t*>(base_[row] + sketch_words_ * sizeof(std::uint64_t));
}

/// A probe to walk towards.
struct ProbeTarget {
  const Kernels& kernels;
  const Probe& probe;
  const std::uint64_t* sketch;
  /// What a score over is a cosine at most.
  float length;

  float Score(const Codes::Rows& at, std::size_t width) const {
    return 256 * *at.scales * static_cast<float>(kernels.dot(probe.values(), at.high, width));
  }
};

/// A row to walk towards.
struct RowTarget {
  const Kernels& kernels;
  const std::int8_t* high;
  double scale;
  const std::uint64_t* sketch;
  float length;

  float Score(const Codes::Rows& at, std::size_t width) const {
    // In doubles no product of finite vectors is too large to be compared.
    return static_cast<float>(65536 * scale * *at.scales * kernels.dot_codes(high, at.high, width));
  }
};

inline void PrefetchBytes(const void* from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(static_cast<const std::byte*>(from) + i);
}

/// The memory of one walk through a layer, kept from walk to walk; one a thread.
class Graph::Walk {
 public:
  static Walk& OfThread() {
    thread_local Walk walk;
    return walk;
  }

  /// Follows the best node that was not followed yet, of the best `width` that were met, until all were.
  /// @param near nodes to begin at, at least one. @returns the best, best first, with nodes for rows; valid
  /// until the next walk.
  template <typename Layer, typename Target>
  std::span<const Found> Explore(const Graph& graph, const Codes::View& rows, const Layer& layer,
                                 const Target& target, std::span<const Node> near, std::size_t width) {
    Begin(width);
    std::size_t next = 0;
    for (const Node node : near) {
      if (Visit(node)) Offer({target.Score(rows.From(layer.row(node)), graph.width_), node}, next);
    }
    std::array<Candidate, Layer::kLinks> met;
    while (next < pool_.size()) {
      if (pool_[next].row & kFollowed) {
        ++next;
        continue;
      }
      const std::uint32_t* links = layer.links(pool_[next].row);
      pool_[next++].row |= kFollowed;
      // First all their sketches, then all the rows that are worth it, are on their way from memory.
      unsigned count = 0;
      for (unsigned i = 0; i < Layer::kLinks; ++i) {
        const std::uint32_t link = LinkAt(links, i);
        if (link == 0) break;
        const Node node = link - 1;
        if (!Visit(node)) continue;
        const Row row = layer.row(node);
        // Linked since the view was made.
        if (row >= rows.size()) continue;
        __builtin_prefetch(graph.SketchOf(row));
        met[count++] = {node, row};
      }
      unsigned worth = 0;
      const int most = MostDiffering(graph, target);
      for (unsigned i = 0; i < count; ++i) {
        const Candidate candidate = met[i];
        if (DifferingBits(target.sketch, graph.SketchOf(candidate.row), graph.sketch_words_) > most) continue;
        const Codes::Rows at = rows.From(candidate.row);
        PrefetchBytes(at.high, graph.width_);
        __builtin_prefetch(at.scales);
        met[worth++] = candidate;
      }
      for (unsigned i = 0; i < worth; ++i) {
        Offer({target.Score(rows.From(met[i].row), graph.width_), met[i].node}, next);
      }
      if (next < pool_.size()) PrefetchBytes(layer.links(pool_[next].row & ~kFollowed), Layer::kLinks * 4);
    }
    for (Found& found : pool_) found.row &= ~kFollowed;
    return pool_;
  }

 private:
  /// In a node of the pool: nodes are fewer than 2^31.
  static constexpr Node kFollowed = Node{1} << 31;
  struct Candidate {
    Node node;
    Row row;
  };

  void Begin(std::size_t width) {
    for (const Node node : visits_) visited_[node / 64] = 0;
    visits_.clear();
    pool_.clear();
    width_ = width;
  }

  bool Visit(Node node) {
    if (node / 64 >= visited_.size())
      visited_.resize(std::max<std::size_t>(node / 64 + 1, 2 * visited_.size()));
    std::uint64_t& word = visited_[node / 64];
    const std::uint64_t bit = std::uint64_t{1} << (node % 64);
    if (word & bit) return false;
    word |= bit;
    visits_.push_back(node);
    return true;
  }

  template <typename Target>
  int MostDiffering(const Graph& graph, const Target& target) const {
    if (pool_.size() < width_ || !(target.length > 0)) return static_cast<int>(graph.width_);
    return graph.bound_.MostDiffering(pool_.back().score / target.length);
  }

  /// @param next moves back to a node that is better than what was next.
  void Offer(Found found, std::size_t& next) {
    if (pool_.size() == width_) {
      if (!(found.score > pool_.back().score)) return;
      pool_.pop_back();
    }
    const auto place = std::ranges::upper_bound(pool_, found.score, std::ranges::greater{}, &Found::score);
    next = std::min(next, static_cast<std::size_t>(place - pool_.begin()));
    pool_.insert(place, found);
  }

  std::size_t width_ = 0;
  std::vector<std::uint64_t> visited_;
  std::vector<Node> visits_;
  /// Best first.
  std::vector<Found> pool_;
};

template <typename Target>
std::size_t Graph::Descend(const Codes::View& rows, const Target& target, Entry from, unsigned layer,
                           std::array<Node, kUpperWidth>& near) const {
  near[0] = from.node;
  std::size_t count = 1;
  const UpperLayer upper{*this};
  for (unsigned at = from.layer; at > layer; --at) {
    const auto found =
        Walk::OfThread().Explore(*this, rows, upper, target, std::span(near).first(count), kUpperWidth);
    count = found.size();
    // A row's nodes are next to each other.
    for (std::size_t i = 0; i < count; ++i) near[i] = at == 1 ? UpperOf(found[i].row).row : found[i].row - 1;
  }
  return count;
}

}  // namespace visage::search
