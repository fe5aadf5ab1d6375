#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/team.h"
#include "search/codes.h"
#include "search/graph.h"
#include "search/snapshot_file.h"

namespace visage::search {

/// What a gallery's index held at one moment.
struct IndexContents {
  Codes::View view;
  /// The tombstones of that moment, one word a block of Codes::kBlock rows.
  std::vector<std::uint64_t> tombstones;
  /// The graph over the rows; null where there is none.
  std::shared_ptr<const Graph> graph;
};

/// What a snapshot holds.
struct SnapshotContents {
  Codes codes;
  /// Null where it has none, or one that is written in another way than today's.
  std::unique_ptr<Graph> graph;
};

/// Writes what is held without what has been removed. Reads memory that others may append to meanwhile.
/// @param stamp up to kMostStampBytes. @param cancelled makes it throw soon when it becomes true.
/// @returns bytes of the file. @throws SnapshotError; a file of that path from before stays then.
std::uint64_t WriteSnapshot(const IndexContents& contents, const std::string& path, std::string stamp,
                            const std::atomic<bool>& cancelled);

/// Reads the rows and the graph of a snapshot into memory where they stay.
/// @param dimension that it must have. @param team reads several parts at once. @param done is raised by the
/// bytes that are read. @throws SnapshotError where a byte of it is not as it was written, or
/// a number is none that was ever written; std::bad_alloc.
SnapshotContents ReadSnapshot(const std::string& path, std::size_t dimension, base::Team& team,
                              std::atomic<std::uint64_t>& done);

}  // namespace visage::search
