#include "search/snapshot_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "search/crc32c.h"

namespace visage::search {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::array<char, 8> kMagic = {'V', 'I', 'S', 'A', 'G', 'E', 'I', 'X'};
/// Increment it when the meaning of a byte changes.
constexpr std::uint32_t kFormat = 4;

struct SectionRecord {
  std::uint64_t bytes;
  std::uint32_t crc;
  std::uint32_t zero;
};

struct Header {
  std::array<char, 8> magic;
  std::uint32_t format;
  std::uint32_t dimension;
  std::uint64_t rows;
  std::uint32_t stamp_bytes;
  std::uint32_t space;
  std::array<SectionRecord, kSnapshotSections> sections;
  std::array<char, kMostStampBytes> stamp;
  std::array<char, 20> padding;
  /// Over all earlier bytes.
  std::uint32_t crc;
};
static_assert(sizeof(Header) % 8 == 0);

constexpr std::size_t kCheckedHeaderBytes = offsetof(Header, crc);
constexpr std::size_t kBufferBytes = 1 << 20;
/// Bytes between flushes, so the store's flushes wait little.
constexpr std::uint64_t kSyncBytes = 32 << 20;

std::uint64_t FileSize(int file) {
  struct stat status {};
  if (fstat(file, &status) != 0) ThrowSystem("its size is not known");
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

SnapshotWriter::SnapshotWriter(std::string path, const std::atomic<bool>& cancelled)
    : path_(std::move(path)),
      unfinished_(path_ + ".unfinished"),
      cancelled_(cancelled),
      file_(open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)),
      written_(sizeof(Header)),
      synced_(0) {
  if (file_ < 0) ThrowSystem("it cannot be written");
  buffer_.reserve(kBufferBytes);
}

SnapshotWriter::~SnapshotWriter() {
  close(file_);
  if (!finished_) unlink(unfinished_.c_str());
}

void SnapshotWriter::Begin(SnapshotSection section) { section_ = static_cast<std::size_t>(section); }

void SnapshotWriter::Write(std::span<const std::byte> bytes) {
  Extent& extent = extents_[section_];
  extent.crc = Crc32c(extent.crc, bytes);
  extent.bytes += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferBytes) Flush();
  if (bytes.size() >= kBufferBytes) {
    Put(bytes, written_);
    written_ += bytes.size();
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void SnapshotWriter::Flush() {
  Put(buffer_, written_);
  written_ += buffer_.size();
  buffer_.clear();
}

void SnapshotWriter::Put(std::span<const std::byte> bytes, std::uint64_t at) {
  if (cancelled_.load(std::memory_order_relaxed)) throw SnapshotError("it was called off");
  WriteAt(file_, bytes, at);
  at += bytes.size();
  if (at < synced_ + kSyncBytes) return;
  if (fdatasync(file_) != 0) ThrowSystem("it cannot be written");
  synced_ = at;
}

std::uint64_t SnapshotWriter::Finish(const SnapshotInfo& info) {
  if (info.stamp.size() > kMostStampBytes) throw SnapshotError("its stamp is too long");
  Flush();
  Header header{};
  header.magic = kMagic;
  header.format = kFormat;
  header.dimension = info.dimension;
  header.rows = info.rows;
  header.space = info.space;
  header.stamp_bytes = static_cast<std::uint32_t>(info.stamp.size());
  std::ranges::copy(info.stamp, header.stamp.begin());
  for (std::size_t i = 0; i < kSnapshotSections; ++i) {
    header.sections[i] = {.bytes = extents_[i].bytes, .crc = extents_[i].crc, .zero = 0};
  }
  const auto bytes = std::as_bytes(std::span(&header, 1));
  header.crc = Crc32c(0, bytes.first(kCheckedHeaderBytes));
  Put(bytes, 0);
  if (fsync(file_) != 0) ThrowSystem("it cannot be written");
  if (cancelled_.load(std::memory_order_relaxed)) throw SnapshotError("it was called off");
  if (rename(unfinished_.c_str(), path_.c_str()) != 0) ThrowSystem("it cannot be written");
  finished_ = true;
  SyncFolder(path_);
  return written_;
}

SnapshotReader::SnapshotReader(const std::string& path)
    : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) {
  if (file_ < 0) ThrowSystem("it cannot be read");
  try {
    const std::uint64_t size = FileSize(file_);
    if (size < sizeof(Header)) throw SnapshotError("it is cut off");
    Header header;
    const auto bytes = std::as_writable_bytes(std::span(&header, 1));
    ReadAt(file_, bytes, 0);
    if (header.magic != kMagic) throw SnapshotError("it is no snapshot");
    if (header.format != kFormat) throw SnapshotError("it is of another version of Visage");
    if (header.crc != Crc32c(0, bytes.first(kCheckedHeaderBytes))) throw SnapshotError("it is damaged");
    if (header.dimension < 1 || header.dimension > kMostSnapshotDimension ||
        header.rows > kMostSnapshotRows || header.stamp_bytes > kMostStampBytes) {
      throw SnapshotError("it is damaged");
    }
    info_ = {header.dimension, header.space, header.rows,
             std::string(header.stamp.data(), header.stamp_bytes)};
    std::uint64_t offset = sizeof(Header);
    for (std::size_t i = 0; i < kSnapshotSections; ++i) {
      const SectionRecord& section = header.sections[i];
      // A sum could overflow.
      if (section.bytes > size - offset) throw SnapshotError("it is cut off");
      extents_[i] = {offset, section.bytes, section.crc};
      offset += section.bytes;
    }
    if (offset != size) throw SnapshotError("it is damaged");
  } catch (...) {
    close(file_);
    throw;
  }
  posix_fadvise(file_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

SnapshotReader::~SnapshotReader() { close(file_); }

std::uint64_t SnapshotReader::size(SnapshotSection section) const {
  return extents_[static_cast<std::size_t>(section)].bytes;
}

void SnapshotReader::Section::Read(std::span<std::byte> bytes) {
  if (bytes.size() > extent_.bytes - read_) throw SnapshotError("it is damaged");
  while (!bytes.empty()) {
    // Fits the processor's cache, which the checksum reads.
    const auto part = bytes.first(std::min(bytes.size(), kBufferBytes));
    ReadAt(file_, part, extent_.offset + read_);
    crc_ = Crc32c(crc_, part);
    read_ += part.size();
    done_.fetch_add(part.size(), std::memory_order_relaxed);
    bytes = bytes.subspan(part.size());
  }
}

void SnapshotReader::Section::End() const {
  if (read_ != extent_.bytes || crc_ != extent_.crc) throw SnapshotError("it is damaged");
}

}  // namespace visage::search
