#include <algorithm>
#include <cmath>
#include <cstring>

#include "search/graph_walk.h"

namespace visage::search {

/// What a graph's bytes begin with. The rows follow, each its sketch and links, then the upper nodes.
struct Graph::Header {
  /// Of this layout, of the sketches and of the layers' numbers: another is not read.
  static constexpr std::uint32_t kFormat = 0x56474801;

  std::uint32_t format;
  std::uint32_t dimension;
  std::uint32_t rows;
  std::uint32_t upper_nodes;
  std::uint32_t entry_layer;
  Node entry_node;
  float longest;
};

namespace {

/// Hands small pieces on as large ones.
class Pieces {
 public:
  explicit Pieces(const Graph::Writer& write) : write_(write) { buffer_.reserve(kBytes); }
  void Add(const void* bytes, std::size_t count) {
    if (buffer_.size() + count > kBytes) Flush();
    const auto* from = static_cast<const std::byte*>(bytes);
    buffer_.insert(buffer_.end(), from, from + count);
  }
  void Flush() {
    write_(buffer_);
    buffer_.clear();
  }

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 20;

  const Graph::Writer& write_;
  std::vector<std::byte> buffer_;
};

/// Writes the renumbered links of a node to `written`, which has as many places.
/// @param links of a node. @param number new number of a node, or kLeftOut.
template <typename LinksOf, typename NumberOf>
void Renumber(Graph::Row node, unsigned count, const LinksOf& links, const NumberOf& number,
              std::uint32_t* written) {
  unsigned held = 0;
  const auto take = [&](Graph::Row neighbour) {
    const Graph::Row renumbered = number(neighbour);
    if (renumbered == Graph::kLeftOut || neighbour == node || held == count) return false;
    if (std::find(written, written + held, renumbered + 1) != written + held) return false;
    written[held++] = renumbered + 1;
    return true;
  };
  std::fill_n(written, count, 0);
  for (unsigned i = 0; i < count; ++i) {
    const std::uint32_t link = LinkAt(links(node), i);
    if (link == 0) break;
    if (number(link - 1) != Graph::kLeftOut) {
      take(link - 1);
      continue;
    }
    // In place of one that is left out one of its own.
    for (unsigned j = 0; j < count; ++j) {
      const std::uint32_t further = LinkAt(links(link - 1), j);
      if (further == 0 || take(further - 1)) break;
    }
  }
}

/// Whether all links are to nodes that there are, none after the first that is not set.
template <typename IsNode>
bool AreLinks(const std::uint32_t* links, unsigned count, const IsNode& is_node) {
  unsigned held = 0;
  while (held < count && links[held] != 0) {
    if (!is_node(links[held] - 1)) return false;
    ++held;
  }
  return std::all_of(links + held, links + count, [](std::uint32_t link) { return link == 0; });
}

}  // namespace

void Graph::Save(std::span<const Row> numbers, const Writer& write) const {
  const std::lock_guard gate(gate_);
  const std::unique_lock linking(linking_);
  const Row end = static_cast<Row>(std::min<std::size_t>(linked(), numbers.size()));
  const auto row_number = [&](Row row) { return row < end ? numbers[row] : kLeftOut; };
  std::vector<Node> upper_numbers(upper_count_.load(), kLeftOut);
  Header header{Header::kFormat, static_cast<std::uint32_t>(dimension_), 0, 0, 0, 0, longest_.load()};
  for (Row row = 0; row < end; ++row) header.rows += numbers[row] != kLeftOut;
  for (Node node = 0; node < upper_numbers.size(); ++node) {
    if (row_number(UpperOf(node).row) == kLeftOut) continue;
    upper_numbers[node] = header.upper_nodes++;
    if (UpperOf(node).layer > header.entry_layer) {
      header.entry_layer = UpperOf(node).layer;
      header.entry_node = upper_numbers[node];
    }
  }
  Pieces pieces(write);
  pieces.Add(&header, sizeof(header));

  std::array<std::uint32_t, kBaseLinks> links;
  for (Row row = 0; row < end; ++row) {
    if (numbers[row] == kLeftOut) continue;
    Renumber(
        row, kBaseLinks, [&](Row of) { return LinksOf(of); }, row_number, links.data());
    pieces.Add(SketchOf(row), sketch_words_ * sizeof(std::uint64_t));
    pieces.Add(links.data(), sizeof(links));
  }
  for (Node node = 0; node < upper_numbers.size(); ++node) {
    if (upper_numbers[node] == kLeftOut) continue;
    const Upper& from = UpperOf(node);
    Upper upper{row_number(from.row), from.layer, {}};
    Renumber(
        node, kUpperLinks, [&](Node of) { return UpperOf(of).links.data(); },
        [&](Node of) { return upper_numbers[of]; }, upper.links.data());
    pieces.Add(&upper, sizeof(upper));
  }
  pieces.Flush();
}

std::unique_ptr<Graph> Graph::Load(std::size_t dimension, std::size_t rows, const Reader& read) {
  Header header;
  read(std::as_writable_bytes(std::span(&header, 1)));
  // Each row has fewer upper nodes than layers.
  if (header.format != Header::kFormat || header.dimension != dimension || header.rows > rows ||
      header.upper_nodes > std::uint64_t{kMostLayers} * header.rows || !std::isfinite(header.longest) ||
      header.longest < 0) {
    return nullptr;
  }
  auto graph = std::make_unique<Graph>(dimension);
  const auto is_row = [&](Row row) { return row < header.rows; };
  graph->base_.Read(header.rows, read);
  graph->upper_.Read(header.upper_nodes, read);
  for (Row row = 0; row < header.rows; ++row) {
    if (!AreLinks(graph->LinksOf(row), kBaseLinks, is_row)) return nullptr;
  }
  for (Node node = 0; node < header.upper_nodes; ++node) {
    const Upper& upper = graph->UpperOf(node);
    // A row's are next to each other, the lowest first.
    const bool is_next = upper.layer == 1 || (node > 0 && graph->UpperOf(node - 1).row == upper.row &&
                                              graph->UpperOf(node - 1).layer == upper.layer - 1);
    if (!is_row(upper.row) || upper.layer > kMostLayers || !is_next) return nullptr;
  }
  for (Node node = 0; node < header.upper_nodes; ++node) {
    const Upper& upper = graph->UpperOf(node);
    const auto is_of_layer = [&](Node other) {
      return other < header.upper_nodes && graph->UpperOf(other).layer == upper.layer;
    };
    if (!AreLinks(upper.links.data(), kUpperLinks, is_of_layer)) return nullptr;
  }
  const bool is_entry = header.entry_layer == 0
                            ? header.upper_nodes == 0 && is_row(header.entry_node)
                            : header.entry_node < header.upper_nodes &&
                                  graph->UpperOf(header.entry_node).layer == header.entry_layer;
  if (header.rows > 0 && !is_entry) return nullptr;
  if (header.rows > 0) graph->entry_ = std::uint64_t{header.entry_layer} << 32 | header.entry_node;
  graph->upper_count_ = header.upper_nodes;
  graph->longest_ = header.longest;
  graph->claimed_ = header.rows;
  graph->linked_ = header.rows;
  return graph;
}

}  // namespace visage::search
