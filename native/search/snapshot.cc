#include "search/snapshot.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

#include "search/fast_scan.h"
#include "search/row_file.h"

namespace visage::search {
namespace {

struct Run : Codes::Rows {
  const std::int8_t* high;
  const std::int8_t* low;
};

std::vector<Run> LiveRuns(const IndexContents& contents) {
  const Codes::View& view = contents.view;
  std::vector<Run> runs;
  const auto add = [&](std::size_t begin, std::size_t end) {
    while (begin < end) {
      const auto row = static_cast<Codes::Row>(begin);
      const Planes planes = view.InMemory(row);
      Run run = {view.From(row), planes.high, planes.low};
      run.count = std::min(run.count, end - begin);
      begin += run.count;
      runs.push_back(run);
    }
  };
  std::size_t begin = view.stored();
  for (std::size_t row = begin; row < view.size();) {
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

template <typename Element, typename Rows>
void WriteAll(SnapshotWriter& writer, SnapshotSection section, const std::vector<Run>& runs,
              const Element* Rows::*elements, std::size_t per_row) {
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

bool IsMagnitude(float value) { return std::isfinite(value) && value >= 0; }

void CheckMagnitudes(const std::vector<Codes::NewRows>& pieces) {
  for (const Codes::NewRows& piece : pieces) {
    if (!std::ranges::all_of(std::span(piece.scales, piece.count), IsMagnitude) ||
        !std::ranges::all_of(std::span(piece.residuals, piece.count), IsMagnitude) ||
        !std::ranges::all_of(std::span(piece.offsets, piece.count),
                             [](float value) { return std::isfinite(value); })) {
      throw SnapshotError("it is damaged");
    }
  }
}

void EncodeAll(const SearchSpace& space, const Codes::View& view, const Codes::NewRows& piece,
               Codes::Row first) {
  std::vector<float> coordinates(space.rank());
  std::vector<std::uint8_t> codes(space.subquantizers());
  for (std::size_t i = 0; i < piece.count; ++i) {
    const Codes::Row row = first + static_cast<Codes::Row>(i);
    view.Decode(row, view.InMemory(row), coordinates);
    space.Encode(coordinates, codes);
    std::byte* block = piece.packed + i / kFastScanBlock * FastScanBlockBytes(space.subquantizers());
    PackCodes(codes, i % kFastScanBlock, block);
  }
}

/// @returns living rows on disk.
std::uint64_t EraseRemoved(const IndexContents& contents, const std::atomic<bool>& cancelled) {
  const Codes::View& view = contents.view;
  const std::size_t count = view.rows_of_file();
  std::uint64_t living = view.stored();
  std::size_t first = 0;
  for (const std::shared_ptr<const RowFile>& file : view.files()) {
    if (cancelled) throw SnapshotError("it was called off");
    std::vector<std::size_t> removed;
    for (std::size_t place = 0; place < count; ++place) {
      const std::size_t row = first + place;
      if (contents.tombstones[row / Codes::kBlock] >> (row % Codes::kBlock) & 1) removed.push_back(place);
    }
    file->Erase(removed);
    living -= removed.size();
    first += count;
  }
  return living;
}

std::vector<std::uint64_t> IdsOf(const SnapshotReader& reader, std::atomic<std::uint64_t>& done) {
  SnapshotReader::Section section(reader, SnapshotSection::kFiles, done);
  std::vector<std::uint64_t> ids(reader.size(SnapshotSection::kFiles) / sizeof(std::uint64_t));
  section.Read(std::as_writable_bytes(std::span(ids)));
  section.End();
  return ids;
}

/// Skips missing and damaged files.
void ReadFiles(const std::vector<std::uint64_t>& ids, const SearchSpace& space,
               const std::optional<RowFolder>& folder, base::Team& team, std::atomic<std::uint64_t>& done,
               Codes& codes) {
  if (ids.empty()) return;
  if (!folder) throw SnapshotError("its rows are on disk, and the settings keep rows in memory");
  const RowFile::Layout layout = {folder->rows_of_file, PaddedDimension(space.rank()), space.subquantizers(),
                                  space.mark()};
  struct Part {
    std::shared_ptr<const RowFile> file;
    std::vector<Codes::NewRows> rows;
    std::vector<std::size_t> missing;
  };
  std::vector<Part> parts;
  for (const std::uint64_t id : ids) {
    try {
      auto file = std::make_shared<const RowFile>(folder->prefix, id, layout);
      file->Keep(true);
      parts.push_back({file, codes.Extend(file), {}});
    } catch (const SnapshotError&) {
    }
  }
  team.Share(parts.size(), [&](std::size_t part, std::size_t) {
    Part& own = parts[part];
    own.missing = own.file->ReadHeads(own.rows);
    done += own.file->bytes();
  });
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const std::size_t first = part * layout.rows;
    for (const std::size_t place : parts[part].missing) codes.Remove(static_cast<Codes::Row>(first + place));
  }
}

}  // namespace

std::uint64_t WriteSnapshot(const IndexContents& contents, const std::string& path, std::string stamp,
                            const std::atomic<bool>& cancelled) {
  std::uint64_t rows = EraseRemoved(contents, cancelled);
  SnapshotWriter writer(path, cancelled);
  const std::vector<Run> runs = LiveRuns(contents);
  const std::size_t width = contents.view.width();
  WriteAll(writer, SnapshotSection::kLabels, runs, &Run::labels, 1);
  WriteAll(writer, SnapshotSection::kScales, runs, &Run::scales, 1);
  WriteAll(writer, SnapshotSection::kResiduals, runs, &Run::residuals, 1);
  WriteAll(writer, SnapshotSection::kOffsets, runs, &Run::offsets, 1);
  WriteAll(writer, SnapshotSection::kHigh, runs, &Run::high, width);
  WriteAll(writer, SnapshotSection::kLow, runs, &Run::low, width);
  std::uint64_t bytes = 0;
  writer.Begin(SnapshotSection::kFiles);
  for (const std::shared_ptr<const RowFile>& file : contents.view.files()) {
    const std::uint64_t id = file->id();
    writer.Write(std::as_bytes(std::span(&id, 1)));
    bytes += file->bytes();
  }
  for (const Run& run : runs) rows += run.count;
  const SearchSpace& space = *contents.space;
  return bytes +
         writer.Finish({static_cast<std::uint32_t>(space.dimension()), space.mark(), rows, std::move(stamp)});
}

Codes ReadSnapshot(const std::string& path, const SearchSpace& space, Codes codes,
                   const std::optional<RowFolder>& folder, base::Team& team,
                   std::atomic<std::uint64_t>& done) {
  const SnapshotReader reader(path);
  const SnapshotInfo& info = reader.info();
  if (info.dimension != space.dimension()) throw SnapshotError("it is of vectors of another length");
  if (info.space != space.mark()) throw SnapshotError("it is of another search space");
  const std::uint64_t width = PaddedDimension(space.rank());
  const std::pair<SnapshotSection, std::uint64_t> bytes_of_row[] = {
      {SnapshotSection::kLabels, sizeof(std::int64_t)},
      {SnapshotSection::kScales, sizeof(float)},
      {SnapshotSection::kResiduals, sizeof(float)},
      {SnapshotSection::kOffsets, sizeof(float)},
      {SnapshotSection::kHigh, width},
      {SnapshotSection::kLow, width},
  };
  const std::uint64_t rows = reader.size(SnapshotSection::kLabels) / sizeof(std::int64_t);
  // Before any allocation: the file then has as many bytes as the rows need.
  for (const auto& [section, bytes] : bytes_of_row) {
    if (reader.size(section) != rows * bytes) throw SnapshotError("it is damaged");
  }

  const auto of = [&](SnapshotSection section) { return SnapshotReader::Section(reader, section, done); };
  const std::vector<std::uint64_t> ids = IdsOf(reader, done);
  ReadFiles(ids, space, folder, team, done, codes);
  const std::uint64_t most = rows + (folder ? ids.size() * folder->rows_of_file : 0);
  if (info.rows < rows || info.rows > most) throw SnapshotError("it is damaged");
  const std::vector<Codes::NewRows> pieces = codes.Extend(rows);
  const std::function<void()> parts[] = {
      [&] { ReadAll(of(SnapshotSection::kHigh), pieces, &Codes::NewRows::high, width); },
      [&] { ReadAll(of(SnapshotSection::kLow), pieces, &Codes::NewRows::low, width); },
      [&] {
        ReadAll(of(SnapshotSection::kLabels), pieces, &Codes::NewRows::labels, 1);
        ReadAll(of(SnapshotSection::kScales), pieces, &Codes::NewRows::scales, 1);
        ReadAll(of(SnapshotSection::kResiduals), pieces, &Codes::NewRows::residuals, 1);
        ReadAll(of(SnapshotSection::kOffsets), pieces, &Codes::NewRows::offsets, 1);
        CheckMagnitudes(pieces);
      },
  };
  team.Share(std::size(parts), [&](std::size_t part, std::size_t) { parts[part](); });
  if (space.subquantizers() == 0) return codes;
  std::vector<Codes::Row> firsts;
  auto first = static_cast<Codes::Row>(codes.stored());
  for (const Codes::NewRows& piece : pieces) {
    firsts.push_back(first);
    first += static_cast<Codes::Row>(piece.count);
  }
  const Codes::View view = codes.view();
  team.Share(pieces.size(),
             [&](std::size_t piece, std::size_t) { EncodeAll(space, view, pieces[piece], firsts[piece]); });
  return codes;
}

std::vector<std::string> RowFilesOf(const SnapshotReader& reader) {
  std::atomic<std::uint64_t> done = 0;
  std::vector<std::string> names;
  for (const std::uint64_t id : IdsOf(reader, done)) names.push_back(RowFileName(id));
  return names;
}

}  // namespace visage::search
