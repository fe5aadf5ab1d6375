#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace visage::search {

/// The reason why a snapshot cannot be written or used. The message names no path.
class SnapshotError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The sections of a snapshot, in order. Numbers are little-endian.
enum class SnapshotSection : std::size_t {
  /// int64 a row.
  kLabels,
  /// float32 a row.
  kScales,
  /// float32 a row.
  kResiduals,
  /// The high plane, PaddedDimension bytes a row.
  kHigh,
  /// The low plane, as many.
  kLow,
};
inline constexpr std::size_t kSnapshotSections = 5;

/// The header of a snapshot.
struct SnapshotInfo {
  /// Floats of a template.
  std::uint32_t dimension;
  /// SearchSpace::mark of the rows.
  std::uint32_t space;
  std::uint64_t rows;
  /// Text of the caller, up to kMostStampBytes.
  std::string stamp;
};

inline constexpr std::size_t kMostStampBytes = 1024;
inline constexpr std::uint32_t kMostSnapshotDimension = 65536;
/// Rows are counted in 32 bits.
inline constexpr std::uint64_t kMostSnapshotRows = 0x7FFFFFFF;

/// Writes a snapshot, mode 0600. Flushes it under another name, then renames it, so a file of its name is
/// complete. One thread at a time.
class SnapshotWriter {
 public:
  /// Replaces `path`.unfinished. @param cancelled outlives the writer; once true, the next write throws.
  /// @throws SnapshotError
  SnapshotWriter(std::string path, const std::atomic<bool>& cancelled);
  /// Removes an unfinished file.
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  /// Begins the next section. Sections keep their order; each may be left out.
  void Begin(SnapshotSection section);
  /// @throws SnapshotError with the system's reason, such as a full disk.
  void Write(std::span<const std::byte> bytes);
  /// Writes the header, flushes and renames the file. @returns bytes of the file.
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

/// Reads a snapshot. Use a section only after `Section::End` has verified it.
class SnapshotReader {
 public:
  class Section;

  /// Reads and verifies the header. @throws SnapshotError
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

/// Reads one section from its start. Several threads may read one section each.
class SnapshotReader::Section {
 public:
  /// @param reader outlives this. @param done counts the bytes read.
  Section(const SnapshotReader& reader, SnapshotSection section, std::atomic<std::uint64_t>& done)
      : file_(reader.file_), extent_(reader.extents_[static_cast<std::size_t>(section)]), done_(done) {}

  /// Reads the next bytes. @throws SnapshotError if the section has fewer.
  void Read(std::span<std::byte> bytes);
  /// @throws SnapshotError unless the whole section was read and its checksum is right.
  void End() const;

 private:
  const int file_;
  const Extent extent_;
  std::atomic<std::uint64_t>& done_;
  std::uint64_t read_ = 0;
  std::uint32_t crc_ = 0;
};

}  // namespace visage::search
