#include "search/row_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>

#include "search/crc32c.h"
#include "search/file_io.h"

namespace visage::search {
namespace {

constexpr std::array<char, 8> kMagic = {'V', 'I', 'S', 'A', 'G', 'E', 'R', 'W'};
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kRowsAtOnce = 256;

/// Little-endian, as is all that follows: the heads of all rows, then their planes.
struct Header {
  std::array<char, 8> magic;
  std::uint32_t format;
  std::uint32_t space;
  std::uint64_t rows;
  std::uint32_t width;
  std::uint32_t subquantizers;
  std::uint64_t id;
  std::array<char, 20> padding;
  /// Over all earlier bytes.
  std::uint32_t crc;
};
static_assert(sizeof(Header) == 64);

/// Codes, four bits each, and the checksum follow.
struct Head {
  std::int64_t label;
  float scale;
  float residual;
  float offset;
};
constexpr std::size_t kHeadBytes = sizeof(std::int64_t) + 3 * sizeof(float);

std::uint32_t SeedOf(std::uint64_t id) { return Crc32c(0, std::as_bytes(std::span(&id, 1))); }

std::uint32_t SeedOf(std::uint32_t file_seed, std::int64_t label) {
  return Crc32c(file_seed, std::as_bytes(std::span(&label, 1)));
}

void Seal(std::span<std::byte> record, std::uint32_t seed) {
  const auto checked = record.first(record.size() - sizeof(std::uint32_t));
  const std::uint32_t crc = Crc32c(seed, checked);
  std::memcpy(record.data() + checked.size(), &crc, sizeof(crc));
}

bool IsSealed(std::span<const std::byte> record, std::uint32_t seed) {
  const auto checked = record.first(record.size() - sizeof(std::uint32_t));
  std::uint32_t crc;
  std::memcpy(&crc, record.data() + checked.size(), sizeof(crc));
  return crc == Crc32c(seed, checked);
}

Header HeaderOf(const RowFile::Layout& layout, std::uint64_t id) {
  Header header{.magic = kMagic,
                .format = kFormat,
                .space = layout.space,
                .rows = layout.rows,
                .width = static_cast<std::uint32_t>(layout.width),
                .subquantizers = static_cast<std::uint32_t>(layout.subquantizers),
                .id = id,
                .padding = {},
                .crc = 0};
  Seal(std::as_writable_bytes(std::span(&header, 1)), 0);
  return header;
}

std::uint64_t NewId() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

std::size_t HeadAt(const RowFile::Layout& layout, std::size_t place) {
  return sizeof(Header) + place * layout.head_bytes();
}

std::size_t PlanesAt(const RowFile::Layout& layout, std::size_t place) {
  return HeadAt(layout, layout.rows) + place * layout.plane_bytes();
}

}  // namespace

std::string RowFileName(std::uint64_t id) {
  std::array<char, 22> name;
  std::snprintf(name.data(), name.size(), "%016llx.rows", static_cast<unsigned long long>(id));
  return name.data();
}

std::size_t RowFile::Layout::head_bytes() const {
  return kHeadBytes + subquantizers / 2 + sizeof(std::uint32_t);
}

std::size_t RowFile::Layout::bytes() const { return PlanesAt(*this, rows); }

RowFile::RowFile(const std::string& prefix, std::uint64_t id, const Layout& layout)
    : layout_(layout),
      id_(id),
      path_(prefix + RowFileName(id)),
      seed_(SeedOf(id)),
      file_(open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)),
      erased_(layout.rows) {
  if (file_ < 0) ThrowSystem("a file of its rows cannot be read");
  const Header wanted = HeaderOf(layout, id);
  Header header;
  try {
    ReadAt(file_, std::as_writable_bytes(std::span(&header, 1)), 0);
    if (std::memcmp(&header, &wanted, sizeof(header)) != 0)
      throw SnapshotError("a file of its rows is damaged");
  } catch (...) {
    close(file_);
    throw;
  }
}

RowFile::~RowFile() {
  close(file_);
  if (!is_kept_) unlink(path_.c_str());
}

std::vector<std::size_t> RowFile::ReadHeads(std::span<const Codes::NewRows> rows) const {
  std::vector<std::byte> heads(layout_.rows * layout_.head_bytes());
  try {
    ReadAt(file_, heads, HeadAt(layout_, 0));
  } catch (const SnapshotError&) {
    std::ranges::fill(heads, std::byte{0});
  }
  std::vector<std::uint8_t> codes(layout_.subquantizers);
  std::vector<std::size_t> missing;
  std::size_t place = 0;
  for (const Codes::NewRows& piece : rows) {
    for (std::size_t i = 0; i < piece.count; ++i, ++place) {
      const auto record = std::span(heads).subspan(place * layout_.head_bytes(), layout_.head_bytes());
      Head head;
      std::memcpy(&head, record.data(), kHeadBytes);
      const bool is_number = std::isfinite(head.scale) && head.scale >= 0 && std::isfinite(head.residual) &&
                             head.residual >= 0 && std::isfinite(head.offset);
      if (!IsSealed(record, seed_) || !is_number) {
        head = {};
        missing.push_back(place);
      }
      piece.labels[i] = head.label;
      piece.scales[i] = head.scale;
      piece.residuals[i] = head.residual;
      piece.offsets[i] = head.offset;
      for (std::size_t at = 0; at < codes.size(); ++at) {
        codes[at] = std::to_integer<std::uint8_t>(record[kHeadBytes + at / 2] >> (at % 2 * 4)) & 15;
      }
      PackCodes(codes, i % kFastScanBlock,
                piece.packed + i / kFastScanBlock * FastScanBlockBytes(layout_.subquantizers));
    }
  }
  return missing;
}

bool RowFile::ReadPlanes(std::size_t place, std::span<std::byte> records, bool may_wait) const {
  auto at = static_cast<off_t>(PlanesAt(layout_, place));
  while (!records.empty()) {
    const iovec buffer = {records.data(), records.size()};
    const ssize_t got = preadv2(file_, &buffer, 1, at, may_wait ? 0 : RWF_NOWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    records = records.subspan(static_cast<std::size_t>(got));
    at += got;
  }
  return true;
}

void RowFile::Advise(std::size_t place) const {
  posix_fadvise(file_, static_cast<off_t>(PlanesAt(layout_, place)),
                static_cast<off_t>(layout_.plane_bytes()), POSIX_FADV_WILLNEED);
}

bool RowFile::IsWhole(std::span<const std::byte> record, std::int64_t label) const {
  return IsSealed(record, SeedOf(seed_, label));
}

void RowFile::Erase(std::span<const std::size_t> places) const {
  const std::vector<std::byte> zeros(std::max(layout_.head_bytes(), layout_.plane_bytes()));
  bool is_changed = false;
  for (const std::size_t place : places) {
    if (erased_[place]) continue;
    WriteAt(file_, std::span(zeros).first(layout_.plane_bytes()), PlanesAt(layout_, place));
    WriteAt(file_, std::span(zeros).first(layout_.head_bytes()), HeadAt(layout_, place));
    is_changed = true;
  }
  if (is_changed && fdatasync(file_) != 0) ThrowSystem("a file of its rows cannot be written");
  for (const std::size_t place : places) erased_[place] = true;
}

RowFileWriter::RowFileWriter(std::string prefix, const RowFile::Layout& layout, Codes::Row first)
    : prefix_(std::move(prefix)),
      layout_(layout),
      first_(first),
      id_(NewId()),
      unfinished_(prefix_ + RowFileName(id_) + ".unfinished"),
      file_(open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (file_ < 0) ThrowSystem("it cannot be written");
}

RowFileWriter::~RowFileWriter() {
  close(file_);
  unlink(unfinished_.c_str());
}

bool RowFileWriter::WriteSome(const Codes::View& view) {
  const std::uint32_t seed = SeedOf(id_);
  const std::size_t count = std::min(kRowsAtOnce, layout_.rows - written_);
  std::vector<std::byte> heads(count * layout_.head_bytes());
  std::vector<std::byte> planes(count * layout_.plane_bytes());
  std::vector<std::uint8_t> codes(layout_.subquantizers);
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = static_cast<Codes::Row>(first_ + written_ + i);
    if (view.is_removed(row)) continue;
    const Codes::Rows at = view.From(row);
    const auto head = std::span(heads).subspan(i * layout_.head_bytes(), layout_.head_bytes());
    const Head numbers = {*at.labels, *at.scales, *at.residuals, *at.offsets};
    std::memcpy(head.data(), &numbers, kHeadBytes);
    UnpackCodes(at.packed, row % kFastScanBlock, codes);
    for (std::size_t code = 0; code < codes.size(); ++code) {
      head[kHeadBytes + code / 2] |= std::byte{codes[code]} << (code % 2 * 4);
    }
    Seal(head, seed);
    const auto record = std::span(planes).subspan(i * layout_.plane_bytes(), layout_.plane_bytes());
    const Planes own = view.InMemory(row);
    std::memcpy(record.data(), own.high, layout_.width);
    std::memcpy(record.data() + layout_.width, own.low, layout_.width);
    Seal(record, SeedOf(seed, *at.labels));
  }
  WriteAt(file_, heads, HeadAt(layout_, written_));
  WriteAt(file_, planes, PlanesAt(layout_, written_));
  written_ += count;
  return written_ < layout_.rows;
}

std::shared_ptr<const RowFile> RowFileWriter::Finish() {
  const Header header = HeaderOf(layout_, id_);
  WriteAt(file_, std::as_bytes(std::span(&header, 1)), 0);
  if (fdatasync(file_) != 0) ThrowSystem("it cannot be written");
  if (rename(unfinished_.c_str(), (prefix_ + RowFileName(id_)).c_str()) != 0)
    ThrowSystem("it cannot be written");
  SyncFolder(unfinished_);
  return std::make_shared<const RowFile>(prefix_, id_, layout_);
}

}  // namespace visage::search
