#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "search/file_io.h"

namespace visage::search {

/// In file order, little-endian.
enum class SnapshotSection : std::size_t {
  /// int64 per row.
  kLabels,
  /// float32 per row, like `kResiduals`.
  kScales,
  kResiduals,
  kOffsets,
  /// PaddedDimension bytes per row, like `kLow`.
  kHigh,
  kLow,
  /// uint64 ids of RowFiles, in row order. The other sections lack their rows.
  kFiles,
};
inline constexpr std::size_t kSnapshotSections = 7;

struct SnapshotInfo {
  std::uint32_t dimension;
  /// SearchSpace::mark of the rows.
  std::uint32_t space;
  std::uint64_t rows;
  /// Up to kMostStampBytes.
  std::string stamp;
};

inline constexpr std::size_t kMostStampBytes = 1024;
inline constexpr std::uint32_t kMostSnapshotDimension = 65536;
/// Rows are counted in 32 bits.
inline constexpr std::uint64_t kMostSnapshotRows = 0x7FFFFFFF;

/// Flushes a file of mode 0600, then renames it, so a file of that name is complete. Not thread-safe.
class SnapshotWriter {
 public:
  /// Replaces `path`.unfinished. @param cancelled outlives the writer; once true, the next write throws.
  /// @throws SnapshotError
  SnapshotWriter(std::string path, const std::atomic<bool>& cancelled);
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  /// Sections keep their order; each may be left out.
  void Begin(SnapshotSection section);
  /// @throws SnapshotError as WriteAt.
  void Write(std::span<const std::byte> bytes);
  /// @returns bytes of the file.
  std::uint64_t Finish(const SnapshotInfo& info);

 private:
  void Flush();
  void Put(std::span<const std::byte> bytes, std::uint64_t at);

  struct Extent {
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
  };

  const std::string path_;
  const std::string unfinished_;
  const std::atomic<bool>& cancelled_;
  int file_;
  bool finished_ = false;
  std::size_t section_ = 0;
  std::array<Extent, kSnapshotSections> extents_{};
  std::vector<std::byte> buffer_;
  std::uint64_t written_;
  std::uint64_t synced_;
};

class SnapshotReader {
 public:
  class Section;

  /// Verifies the header. @throws SnapshotError
  explicit SnapshotReader(const std::string& path);
  ~SnapshotReader();
  SnapshotReader(const SnapshotReader&) = delete;
  SnapshotReader& operator=(const SnapshotReader&) = delete;

  const SnapshotInfo& info() const { return info_; }
  std::uint64_t size(SnapshotSection section) const;

 private:
  struct Extent {
    std::uint64_t offset;
    std::uint64_t bytes;
    std::uint32_t crc;
  };

  int file_;
  SnapshotInfo info_;
  std::array<Extent, kSnapshotSections> extents_;
};

/// Use the bytes only after `End`. Several threads may read a section each.
class SnapshotReader::Section {
 public:
  Section(const SnapshotReader& reader, SnapshotSection section, std::atomic<std::uint64_t>& done)
      : file_(reader.file_), extent_(reader.extents_[static_cast<std::size_t>(section)]), done_(done) {}

  /// @throws SnapshotError if fewer bytes remain.
  void Read(std::span<std::byte> bytes);
  /// @throws SnapshotError unless all was read and the checksum is right.
  void End() const;

 private:
  const int file_;
  const Extent extent_;
  std::atomic<std::uint64_t>& done_;
  std::uint64_t read_ = 0;
  std::uint32_t crc_ = 0;
};

}  // namespace visage::search
