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

/// Why a snapshot could not be written, or is not believed. The message names no path.
class SnapshotError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The parts of a snapshot's body, in their order. Numbers are little-endian.
enum class SnapshotSection : std::size_t {
  /// A label a row, int64.
  kLabels,
  /// A scale a row, float32.
  kScales,
  /// How far an estimate may be from the score, float32 a row.
  kResiduals,
  /// The high plane of the codes, PaddedDimension bytes a row.
  kHigh,
  /// The low plane, as many.
  kLow,
  /// The graph over the rows as it writes itself; empty where there is none.
  kGraph,
};
inline constexpr std::size_t kSnapshotSections = 6;

/// What a snapshot says of itself.
struct SnapshotInfo {
  std::uint32_t dimension;
  std::uint64_t rows;
  /// What the writer's caller wants to know again when it is read; up to kMostStampBytes, opaque here.
  std::string stamp;
};

inline constexpr std::size_t kMostStampBytes = 1024;
inline constexpr std::uint32_t kMostSnapshotDimension = 65536;
/// Rows are counted in 32 bits.
inline constexpr std::uint64_t kMostSnapshotRows = 0x7FFFFFFF;

/// Writes one snapshot: under another name first, flushed, then renamed, so that a file of its name is whole.
/// Mode 0600. One thread at a time.
class SnapshotWriter {
 public:
  /// Begins `path`.unfinished, over what was there. @param cancelled when it becomes true the writer throws
  /// at its next write; outlives the writer. @throws SnapshotError
  SnapshotWriter(std::string path, const std::atomic<bool>& cancelled);
  /// Removes what is not finished.
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  /// Ends the section before and begins one; each once, in their order; one may be left out.
  void Begin(SnapshotSection section);
  /// @throws SnapshotError in the system's words, such as for a full disk.
  void Write(std::span<const std::byte> bytes);
  /// Puts the header before the sections, flushes and gives the file its name. @returns bytes of the file.
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

/// One snapshot to be read. Nothing of it is to be used before `Section::End` has said that it is as it was
/// written.
class SnapshotReader {
 public:
  class Section;

  /// Opens it and reads its header. @throws SnapshotError where it is none, of another format, cut off, or
  /// altered.
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

/// Reads one section from its beginning on. Several may be read at once, each by a thread.
class SnapshotReader::Section {
 public:
  /// @param reader outlives this. @param done is raised by the bytes that are read.
  Section(const SnapshotReader& reader, SnapshotSection section, std::atomic<std::uint64_t>& done)
      : file_(reader.file_), extent_(reader.extents_[static_cast<std::size_t>(section)]), done_(done) {}

  /// The next bytes of the section. @throws SnapshotError where it has not as many.
  void Read(std::span<std::byte> bytes);
  /// @throws SnapshotError unless all of the section was read and is as it was written.
  void End() const;

 private:
  const int file_;
  const Extent extent_;
  std::atomic<std::uint64_t>& done_;
  std::uint64_t read_ = 0;
  std::uint32_t crc_ = 0;
};

}  // namespace visage::search
