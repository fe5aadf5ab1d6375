#include "search/graph.h"

#include <bit>

#include "search/graph_walk.h"

namespace visage::search {

Graph::Graph(std::size_t dimension)
    : dimension_(dimension),
      width_(PaddedDimension(dimension)),
      sketch_words_(width_ / 64),
      bound_(dimension),
      kernels_(BestKernels()),
      base_(sketch_words_ * sizeof(std::uint64_t) + kBaseLinks * sizeof(std::uint32_t)),
      upper_(sizeof(Upper)),
      entry_(kNoEntry) {}

Graph::~Graph() = default;

std::size_t Graph::bytes() const {
  return linked() * base_.size() + upper_count_.load(std::memory_order_relaxed) * upper_.size();
}

Graph::Entry Graph::entry() const {
  const std::uint64_t packed = entry_.load(std::memory_order_acquire);
  if (packed == kNoEntry) return {};
  return {static_cast<std::uint32_t>(packed >> 32), static_cast<Node>(packed), false};
}

Graph::Row Graph::EntryRow(Entry entry) const {
  return entry.layer == 0 ? entry.node : UpperOf(entry.node).row;
}

std::vector<Graph::Found> Graph::Search(const Codes::View& rows, const Probe& probe,
                                        std::size_t width) const {
  const Entry from = entry();
  if (from.is_empty) return {};
  // Linked since the view was made.
  if (EntryRow(from) >= rows.size()) return {};
  std::vector<std::uint64_t> sketch(sketch_words_);
  MakeSketch(probe.values(), sketch_words_, sketch.data());
  const ProbeTarget target{kernels_, probe, sketch.data(),
                           probe.length() * longest_.load(std::memory_order_relaxed)};
  std::array<Node, kUpperWidth> near;
  const std::size_t count = Descend(rows, target, from, 0, near);
  const auto found =
      Walk::OfThread().Explore(*this, rows, BaseLayer{*this}, target, std::span(near).first(count), width);
  return {found.begin(), found.end()};
}

}  // namespace visage::search
