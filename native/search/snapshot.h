#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/team.h"
#include "search/codes.h"
#include "search/row_file.h"
#include "search/search_space.h"
#include "search/snapshot_file.h"

namespace visage::search {

struct IndexContents {
  std::shared_ptr<const SearchSpace> space;
  Codes::View view;
  std::vector<std::uint64_t> tombstones;
};

/// Writes the living rows in memory, and erases the removed rows on disk. Other threads may append.
/// @param stamp up to kMostStampBytes. @param cancelled makes it throw soon. @returns bytes of all files.
/// @throws SnapshotError; an earlier file stays.
std::uint64_t WriteSnapshot(const IndexContents& contents, const std::string& path, std::string stamp,
                            const std::atomic<bool>& cancelled);

/// Rows on disk whose file or head is damaged become tombstones, or are missing. @param empty receives the
/// rows. @param folder holds rows on disk; nothing to refuse them. @param done counts the bytes read.
/// @throws SnapshotError for a damaged file or another space; std::bad_alloc.
Codes ReadSnapshot(const std::string& path, const SearchSpace& space, Codes empty,
                   const std::optional<RowFolder>& folder, base::Team& team,
                   std::atomic<std::uint64_t>& done);

/// Names of the RowFiles, after their prefix. @throws SnapshotError
std::vector<std::string> RowFilesOf(const SnapshotReader& reader);

}  // namespace visage::search
