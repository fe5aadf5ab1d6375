#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "search/codes.h"

namespace visage::search {

/// Where, and from which size, a gallery keeps rows on disk.
struct RowFolder {
  std::string prefix;
  /// Faces.
  std::size_t least;
  /// A power of two, 64 or more.
  std::size_t rows_of_file = Codes::kRowsOfFile;
};

/// `rows_of_file` rows on disk, two records each: the head (label, magnitudes, codes), also in memory, and
/// the planes. Checksums cover the file's random id, and the planes' also the label, so damaged or foreign
/// records are never used. Erased rows are zero.
///
/// Uses `pread`, since a mapping of a cut-off file or broken disk would end the process.
class RowFile {
 public:
  static constexpr std::size_t PlaneBytes(std::size_t width) { return 2 * width + sizeof(std::uint32_t); }

  struct Layout {
    std::size_t rows;
    std::size_t width;
    std::size_t subquantizers;
    /// SearchSpace::mark.
    std::uint32_t space;

    std::size_t head_bytes() const;
    std::size_t plane_bytes() const { return PlaneBytes(width); }
    std::size_t bytes() const;
  };

  /// @throws SnapshotError for a missing file, or another layout or id.
  RowFile(const std::string& prefix, std::uint64_t id, const Layout& layout);
  /// Deletes a file that is not kept.
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  std::uint64_t id() const { return id_; }
  std::size_t bytes() const { return layout_.bytes(); }
  /// Whether a snapshot names the file. Thread-safe.
  void Keep(bool is_kept) const { is_kept_ = is_kept; }

  /// Fills labels, magnitudes and codes. @param rows all of the file. @returns places whose head is erased,
  /// damaged or unreadable.
  std::vector<std::size_t> ReadHeads(std::span<const Codes::NewRows> rows) const;

  /// Reads records of planes. @param may_wait false for the page cache only. @returns whether it read all.
  bool ReadPlanes(std::size_t place, std::span<std::byte> records, bool may_wait) const;
  /// Starts to read a record into the page cache.
  void Advise(std::size_t place) const;
  /// @returns false for a damaged or erased record. @param record of ReadPlanes.
  bool IsWhole(std::span<const std::byte> record, std::int64_t label) const;

  /// Overwrites records with zeros and flushes them. One thread at a time. @throws SnapshotError
  void Erase(std::span<const std::size_t> places) const;

 private:
  const Layout layout_;
  const std::uint64_t id_;
  const std::string path_;
  const std::uint32_t seed_;
  int file_;
  mutable std::atomic<bool> is_kept_ = false;
  mutable std::vector<bool> erased_;
};

/// Writes a file of mode 0600 in pieces; only Finish names it. Not thread-safe.
class RowFileWriter {
 public:
  /// @throws SnapshotError
  RowFileWriter(std::string prefix, const RowFile::Layout& layout, Codes::Row first);
  ~RowFileWriter();
  RowFileWriter(const RowFileWriter&) = delete;
  RowFileWriter& operator=(const RowFileWriter&) = delete;

  /// Writes some rows; those with a tombstone stay erased. @param view holds them in memory. @returns whether
  /// there are more. @throws SnapshotError
  bool WriteSome(const Codes::View& view);
  /// Flushes. @throws SnapshotError
  std::shared_ptr<const RowFile> Finish();

 private:
  const std::string prefix_;
  const RowFile::Layout layout_;
  const Codes::Row first_;
  const std::uint64_t id_;
  const std::string unfinished_;
  int file_;
  std::size_t written_ = 0;
};

std::string RowFileName(std::uint64_t id);

}  // namespace visage::search
