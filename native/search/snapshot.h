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

struct IndexContents {
  std::shared_ptr<const SearchSpace> space;
  Codes::View view;
  std::vector<std::uint64_t> tombstones;
};

/// Writes the living rows, while other threads append. @param stamp up to kMostStampBytes. @param cancelled
/// makes it throw soon. @returns bytes of the file. @throws SnapshotError; an earlier file stays.
std::uint64_t WriteSnapshot(const IndexContents& contents, const std::string& path, std::string stamp,
                            const std::atomic<bool>& cancelled);

/// @param team shares the work. @param done counts the bytes read. @throws SnapshotError for a damaged file,
/// or one of another space; std::bad_alloc.
Codes ReadSnapshot(const std::string& path, const SearchSpace& space, base::Team& team,
                   std::atomic<std::uint64_t>& done);

}  // namespace visage::search
