#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/team.h"
#include "search/codes.h"
#include "search/search_space.h"
#include "search/snapshot_file.h"

namespace visage::search {

/// The contents of an index at one moment.
struct IndexContents {
  std::shared_ptr<const SearchSpace> space;
  Codes::View view;
  /// The tombstones of that moment, one word a block of Codes::kBlock rows.
  std::vector<std::uint64_t> tombstones;
};

/// Writes the living rows, while other threads append to the same memory.
/// @param stamp up to kMostStampBytes. @param cancelled makes it throw soon after it becomes true.
/// @returns bytes of the file. @throws SnapshotError; an earlier file of that path then stays.
std::uint64_t WriteSnapshot(const IndexContents& contents, const std::string& path, std::string stamp,
                            const std::atomic<bool>& cancelled);

/// Reads the rows of a snapshot, and encodes them by the space's quantiser.
/// @param space of the rows. @param team shares the work. @param done counts the bytes read.
/// @throws SnapshotError for a damaged file, or one of another space; std::bad_alloc.
Codes ReadSnapshot(const std::string& path, const SearchSpace& space, base::Team& team,
                   std::atomic<std::uint64_t>& done);

}  // namespace visage::search
