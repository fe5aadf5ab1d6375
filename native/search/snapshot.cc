#include "search/snapshot.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

namespace visage::search {
namespace {

/// Rows of one piece of memory that follow each other, none of them removed.
using Run = Codes::Rows;

std::vector<Run> LiveRuns(const IndexContents& contents) {
  const Codes::View& view = contents.view;
  std::vector<Run> runs;
  const auto add = [&](std::size_t begin, std::size_t end) {
    while (begin < end) {
      Run run = view.From(static_cast<Codes::Row>(begin));
      run.count = std::min(run.count, end - begin);
      begin += run.count;
      runs.push_back(run);
    }
  };
  std::size_t begin = 0;
  for (std::size_t row = 0; row < view.size();) {
    const std::uint64_t removed = contents.tombstones[row / Codes::kBlock] >> (row % Codes::kBlock);
    if (removed == 0) {
      row = (row / Codes::kBlock + 1) * Codes::kBlock;
      continue;
    }
    row += static_cast<std::size_t>(std::countr_zero(removed));
    if (row >= view.size()) break;
    add(begin, row);
    begin = ++row;
  }
  add(begin, view.size());
  return runs;
}

template <typename Element>
void WriteAll(SnapshotWriter& writer, SnapshotSection section, const std::vector<Run>& runs,
              const Element* Codes::Rows::*elements, std::size_t per_row) {
  writer.Begin(section);
  for (const Run& run : runs) writer.Write(std::as_bytes(std::span(run.*elements, run.count * per_row)));
}

template <typename Element>
void ReadAll(SnapshotReader::Section section, const std::vector<Codes::NewRows>& pieces,
             Element* Codes::NewRows::*elements, std::size_t per_row) {
  for (const Codes::NewRows& piece : pieces) {
    section.Read(std::as_writable_bytes(std::span(piece.*elements, piece.count * per_row)));
  }
  section.End();
}

/// The numbers of the rows in the snapshot.
std::vector<Codes::Row> Numbers(const IndexContents& contents) {
  std::vector<Codes::Row> numbers(contents.view.size());
  Codes::Row next = 0;
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    const bool is_removed = contents.tombstones[row / Codes::kBlock] >> (row % Codes::kBlock) & 1;
    numbers[row] = is_removed ? Graph::kLeftOut : next++;
  }
  return numbers;
}

std::unique_ptr<Graph> ReadGraph(const SnapshotReader& reader, std::atomic<std::uint64_t>& done) {
  if (reader.size(SnapshotSection::kGraph) == 0) return nullptr;
  SnapshotReader::Section section(reader, SnapshotSection::kGraph, done);
  auto graph = Graph::Load(reader.info().dimension, reader.info().rows,
                           [&](std::span<std::byte> bytes) { section.Read(bytes); });
  if (graph) section.End();
  return graph;
}

bool IsMagnitude(float value) { return std::isfinite(value) && value >= 0; }

void CheckMagnitudes(const std::vector<Codes::NewRows>& pieces) {
  for (const Codes::NewRows& piece : pieces) {
    if (!std::ranges::all_of(std::span(piece.scales, piece.count), IsMagnitude) ||
        !std::ranges::all_of(std::span(piece.residuals, piece.count), IsMagnitude)) {
      throw SnapshotError("it is damaged");
    }
  }
}

}  // namespace

std::uint64_t WriteSnapshot(const IndexContents& contents, const std::string& path, std::string stamp,
                            const std::atomic<bool>& cancelled) {
  SnapshotWriter writer(path, cancelled);
  const std::vector<Run> runs = LiveRuns(contents);
  const std::size_t width = contents.view.width();
  WriteAll(writer, SnapshotSection::kLabels, runs, &Codes::Rows::labels, 1);
  WriteAll(writer, SnapshotSection::kScales, runs, &Codes::Rows::scales, 1);
  WriteAll(writer, SnapshotSection::kResiduals, runs, &Codes::Rows::residuals, 1);
  WriteAll(writer, SnapshotSection::kHigh, runs, &Codes::Rows::high, width);
  WriteAll(writer, SnapshotSection::kLow, runs, &Codes::Rows::low, width);
  if (contents.graph) {
    writer.Begin(SnapshotSection::kGraph);
    contents.graph->Save(Numbers(contents), [&](std::span<const std::byte> bytes) { writer.Write(bytes); });
  }
  std::uint64_t rows = 0;
  for (const Run& run : runs) rows += run.count;
  return writer.Finish({static_cast<std::uint32_t>(contents.view.dimension()), rows, std::move(stamp)});
}

SnapshotContents ReadSnapshot(const std::string& path, std::size_t dimension, base::Team& team,
                              std::atomic<std::uint64_t>& done) {
  const SnapshotReader reader(path);
  const SnapshotInfo& info = reader.info();
  if (info.dimension != dimension) throw SnapshotError("it is of vectors of another length");
  const std::uint64_t width = PaddedDimension(dimension);
  const std::pair<SnapshotSection, std::uint64_t> bytes_of_row[] = {
      {SnapshotSection::kLabels, sizeof(std::int64_t)},
      {SnapshotSection::kScales, sizeof(float)},
      {SnapshotSection::kResiduals, sizeof(float)},
      {SnapshotSection::kHigh, width},
      {SnapshotSection::kLow, width},
  };
  // Before any memory is taken: the file then really has as many bytes as the rows will.
  for (const auto& [section, bytes] : bytes_of_row) {
    if (reader.size(section) != info.rows * bytes) throw SnapshotError("it is damaged");
  }

  Codes codes(dimension);
  const std::vector<Codes::NewRows> pieces = codes.Extend(info.rows);
  const auto of = [&](SnapshotSection section) { return SnapshotReader::Section(reader, section, done); };
  std::unique_ptr<Graph> graph;
  // The largest first, so that no thread is left with one of them.
  const std::function<void()> parts[] = {
      [&] { ReadAll(of(SnapshotSection::kHigh), pieces, &Codes::NewRows::high, width); },
      [&] { ReadAll(of(SnapshotSection::kLow), pieces, &Codes::NewRows::low, width); },
      [&] { graph = ReadGraph(reader, done); },
      [&] {
        ReadAll(of(SnapshotSection::kLabels), pieces, &Codes::NewRows::labels, 1);
        ReadAll(of(SnapshotSection::kScales), pieces, &Codes::NewRows::scales, 1);
        ReadAll(of(SnapshotSection::kResiduals), pieces, &Codes::NewRows::residuals, 1);
        CheckMagnitudes(pieces);
      },
  };
  team.Share(std::size(parts), [&](std::size_t part, std::size_t) { parts[part](); });
  return {std::move(codes), std::move(graph)};
}

}  // namespace visage::search
