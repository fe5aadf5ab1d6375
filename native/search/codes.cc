#include "search/codes.h"

#include <sys/mman.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <new>

namespace visage::search {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kAlignment = 64;

constexpr double kMostCode = 127 * 256 + 127;
/// Error of an estimate in floats: three roundings of 2^-24 each.
constexpr double kRounding = 1e-6;

unsigned FullBits(std::size_t width) {
  return std::max(6U, static_cast<unsigned>(std::bit_width(kHugePage / width)) - 1);
}

}  // namespace

Magnitudes Quantise(std::span<const float> coordinates, std::span<std::int8_t> high,
                    std::span<std::int8_t> low) {
  float most = 0;
  for (const float value : coordinates) most = std::max(most, std::abs(value));
  auto scale = static_cast<float>(most / kMostCode);
  if (scale < std::numeric_limits<float>::min()) scale = 0;
  const double factor = scale > 0 ? 1 / static_cast<double>(scale) : 0;
  std::int64_t high_squares = 0;
  std::int64_t low_squares = 0;
  for (std::size_t i = 0; i < coordinates.size(); ++i) {
    const double rounded = std::clamp(std::nearbyint(coordinates[i] * factor), -kMostCode, kMostCode);
    const auto code = static_cast<std::int32_t>(rounded);
    const std::int32_t upper = (code + 128) >> 8;
    const std::int32_t lower = code - 256 * upper;
    high[i] = static_cast<std::int8_t>(upper);
    low[i] = static_cast<std::int8_t>(lower);
    high_squares += upper * upper;
    low_squares += lower * lower;
  }
  std::ranges::fill(high.subspan(coordinates.size()), std::int8_t{0});
  std::ranges::fill(low.subspan(coordinates.size()), std::int8_t{0});
  const double estimate = 256 * std::sqrt(static_cast<double>(high_squares));
  const double residual = std::sqrt(static_cast<double>(low_squares));
  return {scale, static_cast<float>(scale * (residual * (1 + kRounding) + estimate * kRounding))};
}

void Codes::Chunk::Free::operator()(std::byte* memory) const {
  if (mapped > 0) {
    munmap(memory, mapped);
  } else {
    ::operator delete (memory, std::align_val_t{kAlignment});
  }
}

Codes::Chunk::Chunk(std::size_t rows, std::size_t width, std::size_t subquantizers, bool is_huge)
    : capacity(rows), memory(nullptr, {0}), tombstones(new std::atomic<std::uint64_t>[rows / kBlock]()) {
  const std::size_t plane = rows * width;
  const std::size_t all_codes = rows / kFastScanBlock * FastScanBlockBytes(subquantizers);
  const std::size_t bytes = 2 * plane + all_codes + rows * kRowExtra;
  if (is_huge) {
    void* mapping =
        mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    memory = std::unique_ptr<std::byte, Free>(static_cast<std::byte*>(mapping), {bytes + kHugePage});
    madvise(mapping, bytes + kHugePage, MADV_HUGEPAGE);
    madvise(mapping, bytes + kHugePage, MADV_DONTDUMP);
  } else {
    memory = {static_cast<std::byte*>(::operator new (bytes, std::align_val_t{kAlignment})), Free{}};
  }
  std::byte* start = memory.get();
  if (is_huge) start += -reinterpret_cast<std::uintptr_t>(start) % kHugePage;
  high = plane == 0 ? nullptr : reinterpret_cast<std::int8_t*>(start);
  low = plane == 0 ? nullptr : high + plane;
  packed = start + 2 * plane;
  if (!is_huge) std::memset(packed, 0, all_codes);
  labels = reinterpret_cast<std::int64_t*>(packed + all_codes);
  scales = reinterpret_cast<float*>(labels + rows);
  residuals = scales + rows;
  offsets = residuals + rows;
}

Codes::Codes(std::size_t dimension, std::size_t subquantizers, std::size_t rows_of_file)
    : dimension_(dimension),
      subquantizers_(subquantizers),
      rows_of_file_(rows_of_file),
      full_bits_(std::min(FullBits(PaddedDimension(dimension)),
                          static_cast<unsigned>(std::countr_zero(rows_of_file)))),
      directory_(std::make_shared<const Directory>()),
      files_(std::make_shared<const Files>()) {}

std::size_t Codes::bytes() const {
  const std::size_t planes = 2 * PaddedDimension(dimension_) * (size_ - stored_);
  return planes + size_ * (subquantizers_ / 2 + kRowExtra);
}

std::pair<const Codes::Chunk&, std::size_t> Codes::Room(bool has_planes) {
  const auto [index, place] = PlaceOf(static_cast<Row>(size_), full_bits_);
  if (index == directory_->size()) {
    const std::size_t full = std::size_t{1} << full_bits_;
    const std::size_t rows = std::clamp(size_, std::size_t{kBlock}, full);
    const std::size_t width = has_planes ? PaddedDimension(dimension_) : 0;
    auto chunk = std::make_shared<const Chunk>(rows, width, subquantizers_, has_planes && size_ >= full);
    auto larger = std::make_shared<Directory>(*directory_);
    larger->push_back(std::move(chunk));
    removed_of_.resize(size_ / rows_of_file_ + 1);
    directory_ = std::move(larger);
  }
  return {*(*directory_)[index], place};
}

void Codes::Pack(std::span<const std::uint8_t> codes, const Chunk& chunk, std::size_t row) const {
  if (codes.empty()) return;
  std::byte* block = chunk.packed + row / kFastScanBlock * FastScanBlockBytes(subquantizers_);
  PackCodes(codes, row % kFastScanBlock, block);
}

Codes::Row Codes::Append(std::int64_t label, std::span<const float> coordinates, float offset,
                         std::span<const std::uint8_t> codes) {
  const auto [chunk, row] = Room();
  const std::size_t width = PaddedDimension(dimension_);
  const auto [scale, residual] =
      Quantise(coordinates, {chunk.high + row * width, width}, {chunk.low + row * width, width});
  chunk.labels[row] = label;
  chunk.scales[row] = scale;
  chunk.residuals[row] = residual;
  chunk.offsets[row] = offset;
  Pack(codes, chunk, row);
  return static_cast<Row>(size_++);
}

Codes::Row Codes::Append(const View& from, Row source, Planes planes, std::span<const std::uint8_t> codes) {
  const auto [chunk, row] = Room();
  const std::size_t width = PaddedDimension(dimension_);
  const Rows rows = from.From(source);
  std::memcpy(chunk.high + row * width, planes.high, width);
  std::memcpy(chunk.low + row * width, planes.low, width);
  chunk.labels[row] = *rows.labels;
  chunk.scales[row] = *rows.scales;
  chunk.residuals[row] = *rows.residuals;
  chunk.offsets[row] = *rows.offsets;
  Pack(codes, chunk, row);
  return static_cast<Row>(size_++);
}

std::vector<Codes::NewRows> Codes::Extend(std::size_t count) { return Extend(count, true); }

std::vector<Codes::NewRows> Codes::Extend(std::shared_ptr<const RowFile> file) {
  Add(std::move(file));
  return Extend(rows_of_file_, false);
}

void Codes::Append(const View& from, std::size_t file) {
  const auto source = static_cast<Row>(file * rows_of_file_);
  const auto first = static_cast<Row>(stored_);
  Row row = source;
  for (const NewRows& piece : Extend(from.files()[file])) {
    for (std::size_t done = 0; done < piece.count;) {
      const Rows rows = from.From(row);
      const std::size_t count = std::min(rows.count, piece.count - done);
      std::copy_n(rows.labels, count, piece.labels + done);
      std::copy_n(rows.scales, count, piece.scales + done);
      std::copy_n(rows.residuals, count, piece.residuals + done);
      std::copy_n(rows.offsets, count, piece.offsets + done);
      const std::size_t block = FastScanBlockBytes(subquantizers_);
      std::copy_n(rows.packed, count / kFastScanBlock * block, piece.packed + done / kFastScanBlock * block);
      done += count;
      row += static_cast<Row>(count);
    }
  }
  for (Row place = 0; place < rows_of_file_; place += kBlock) {
    const std::uint64_t tombstones = from.Tombstones(source + place);
    const auto [index, at] = PlaceOf(first + place, full_bits_);
    (*directory_)[index]->tombstones[at / kBlock].store(tombstones, std::memory_order_relaxed);
    const auto count = static_cast<std::size_t>(std::popcount(tombstones));
    removed_ += count;
    removed_of_[first / rows_of_file_] += count;
  }
}

void Codes::Add(std::shared_ptr<const RowFile> file) {
  auto more = std::make_shared<Files>(*files_);
  more->push_back(std::move(file));
  files_ = std::move(more);
  stored_ += rows_of_file_;
}

Codes::Stored Codes::WithoutPlanes(const View& from, std::shared_ptr<const RowFile> file) {
  Stored stored{std::move(file), {}};
  const std::size_t end = from.stored_ + from.rows_of_file_;
  for (std::size_t row = from.stored_; row < end;) {
    const Chunk& old = *(*from.directory_)[PlaceOf(static_cast<Row>(row), from.full_bits_).chunk];
    auto chunk = std::make_shared<Chunk>(old.capacity, 0, from.subquantizers_, false);
    std::memcpy(chunk->packed, old.packed, old.capacity * (from.subquantizers_ / 2 + kRowExtra));
    chunk->tombstones = old.tombstones;
    row += old.capacity;
    stored.chunks.push_back(std::move(chunk));
  }
  return stored;
}

std::shared_ptr<const void> Codes::Store(Stored rows) {
  auto changed = std::make_shared<Directory>(*directory_);
  const std::size_t first = PlaceOf(static_cast<Row>(stored_), full_bits_).chunk;
  std::ranges::move(rows.chunks, changed->begin() + static_cast<std::ptrdiff_t>(first));
  Add(std::move(rows.file));
  return std::exchange(directory_, std::move(changed));
}

std::vector<Codes::NewRows> Codes::Extend(std::size_t count, bool has_planes) {
  std::vector<NewRows> pieces;
  const std::size_t width = PaddedDimension(dimension_);
  for (const std::size_t end = size_ + count; size_ < end;) {
    const auto [chunk, row] = Room(has_planes);
    const std::size_t taken = std::min(chunk.capacity - row, end - size_);
    pieces.push_back({taken, has_planes ? chunk.high + row * width : nullptr,
                      has_planes ? chunk.low + row * width : nullptr,
                      chunk.packed + row / kFastScanBlock * FastScanBlockBytes(subquantizers_),
                      chunk.scales + row, chunk.residuals + row, chunk.offsets + row, chunk.labels + row});
    size_ += taken;
  }
  return pieces;
}

void Codes::Remove(Row row) {
  const auto [index, place] = PlaceOf(row, full_bits_);
  const std::uint64_t bit = std::uint64_t{1} << (place % kBlock);
  const auto before =
      (*directory_)[index]->tombstones[place / kBlock].fetch_or(bit, std::memory_order_relaxed);
  if (before & bit) return;
  ++removed_;
  ++removed_of_[row / rows_of_file_];
}

Codes::View Codes::view() const {
  View view;
  view.dimension_ = dimension_;
  view.subquantizers_ = subquantizers_;
  view.full_bits_ = full_bits_;
  view.size_ = size_;
  view.rows_of_file_ = rows_of_file_;
  view.stored_ = stored_;
  view.files_ = files_;
  view.directory_ = directory_;
  return view;
}

}  // namespace visage::search
