#include "search/row.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "search/codes.h"
#include "search/kernels.h"
#include "search/probe.h"

namespace visage::search {
namespace {

constexpr float kToHalf = 0x1p-112F;
constexpr unsigned kMantissaShift = 13;
constexpr std::uint32_t kMagnitude = 0x7FFF;
constexpr std::uint16_t kInfinity = 0x7C00;

/// Rounds to nearest, ties to even. @param value magnitude below 65520.
std::uint16_t ToHalf(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(std::abs(value) * kToHalf);
  const std::uint32_t is_odd = bits >> kMantissaShift & 1;
  const std::uint32_t rounded = (bits + 0xFFF + is_odd) >> kMantissaShift;
  return static_cast<std::uint16_t>((std::signbit(value) ? kMagnitude + 1 : 0) | rounded);
}

/// @param half finite.
float FromHalf(std::uint16_t half) {
  const std::uint32_t bits = (half & kMagnitude) << kMantissaShift;
  const float magnitude = std::bit_cast<float>(bits) / kToHalf;
  return half > kMagnitude ? -magnitude : magnitude;
}

/// Scales to length 1. Without a length, all become zero.
void Normalize(std::span<float> vector) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  const double factor = squares > 0 ? 1 / std::sqrt(squares) : 0;
  for (float& value : vector) value = static_cast<float>(value * factor);
}

std::size_t CoordinateBytes(const SearchSpace& space) { return space.rank() * sizeof(std::uint16_t); }

/// Halves round the length, so this scales again.
void Restore(std::span<const std::uint16_t> halves, std::span<float> coordinates) {
  std::ranges::transform(halves, coordinates.begin(), FromHalf);
  Normalize(coordinates);
}

void WriteCoordinates(const SearchSpace& space, std::span<float> coordinates, std::span<std::byte> row) {
  std::vector<std::uint16_t> halves(coordinates.size());
  std::ranges::transform(coordinates, halves.begin(), ToHalf);
  std::memcpy(row.data(), halves.data(), CoordinateBytes(space));
  if (!space.cohort()) return;
  Restore(halves, coordinates);
  const float offset = space.cohort()->OffsetOf(coordinates);
  std::memcpy(row.data() + CoordinateBytes(space), &offset, sizeof(offset));
}

[[noreturn]] void RefuseNumber() {
  throw base::Error(base::ErrorCode::kInternal, "A template holds a value that is not a finite number.");
}

}  // namespace

std::size_t RowBytes(const SearchSpace& space) {
  return CoordinateBytes(space) + (space.cohort() ? sizeof(float) : 0);
}

bool AreRows(const SearchSpace& space, std::size_t bytes, std::size_t count) {
  return bytes == count * RowBytes(space) || bytes == count * CoordinateBytes(space) ||
         bytes == count * space.dimension() * sizeof(float);
}

void WriteRow(const SearchSpace& space, std::span<const float> vector, std::span<std::byte> row) {
  std::vector<float> coordinates(space.rank());
  space.Project(vector, coordinates);
  Normalize(coordinates);
  WriteCoordinates(space, coordinates, row);
}

float ReadRow(const SearchSpace& space, std::span<const std::byte> bytes, std::span<float> coordinates) {
  std::vector<std::uint16_t> halves(space.rank());
  if (bytes.size() == RowBytes(space) || bytes.size() == CoordinateBytes(space)) {
    std::memcpy(halves.data(), bytes.data(), CoordinateBytes(space));
    if (std::ranges::any_of(halves, [](std::uint16_t half) { return (half & kInfinity) == kInfinity; }))
      RefuseNumber();
  } else {
    std::vector<float> vector(space.dimension());
    std::memcpy(vector.data(), bytes.data(), bytes.size());
    if (!std::ranges::all_of(vector, [](float value) { return std::isfinite(value); })) RefuseNumber();
    space.Project(vector, coordinates);
    Normalize(coordinates);
    std::ranges::transform(coordinates, halves.begin(), ToHalf);
  }
  Restore(halves, coordinates);
  if (!space.cohort()) return 0;
  if (bytes.size() != RowBytes(space)) return space.cohort()->OffsetOf(coordinates);
  float offset = 0;
  std::memcpy(&offset, bytes.data() + CoordinateBytes(space), sizeof(offset));
  if (!std::isfinite(offset)) RefuseNumber();
  return offset;
}

std::vector<float> CompareRows(const SearchSpace& space, std::span<const std::byte> probe,
                               std::span<const std::span<const std::byte>> rows) {
  std::vector<float> coordinates(space.rank());
  const double own_offset = ReadRow(space, probe, coordinates);
  const Probe quantised(coordinates);
  const Kernels& kernels = BestKernels();
  const std::size_t width = PaddedDimension(space.rank());
  std::vector<std::int8_t> high(width);
  std::vector<std::int8_t> low(width);
  std::vector<float> scores;
  for (const std::span<const std::byte> row : rows) {
    const float offset = ReadRow(space, row, coordinates);
    const Magnitudes magnitudes = Quantise(coordinates, high, low);
    const double score = Score(kernels, quantised, {high.data(), low.data()}, magnitudes.scale, width);
    scores.push_back(static_cast<float>(Normalise(score, quantised, offset) - own_offset));
  }
  return scores;
}

std::optional<std::vector<std::byte>> MeanRow(const SearchSpace& space,
                                              std::span<const std::span<const std::byte>> rows,
                                              double least) {
  const std::size_t rank = space.rank();
  const auto count = static_cast<double>(rows.size());
  std::vector<float> all(rows.size() * rank);
  std::vector<double> sum(rank);
  std::vector<double> offsets(rows.size());
  double all_offsets = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto own = std::span(all).subspan(i * rank, rank);
    offsets[i] = ReadRow(space, rows[i], own);
    all_offsets += offsets[i];
    for (std::size_t at = 0; at < rank; ++at) sum[at] += own[at];
  }
  double square = 0;
  for (const double value : sum) square += value * value;
  // The sum's squared length is twice every pair's score, plus 1 per row.
  if ((square - count) / (count * (count - 1)) - 2 * all_offsets / count < least) return {};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double with_all = 0;
    for (std::size_t at = 0; at < rank; ++at) with_all += all[i * rank + at] * sum[at];
    const double others = std::sqrt(std::max(0.0, square - 2 * with_all + 1));
    // The mean's offset is about the mean of the offsets.
    const double both = offsets[i] + (all_offsets - offsets[i]) / (count - 1);
    if (with_all - 1 < (least + both) * others) return {};
  }
  std::vector<float> mean(sum.begin(), sum.end());
  Normalize(mean);
  std::vector<std::byte> row(RowBytes(space));
  WriteCoordinates(space, mean, row);
  return row;
}

}  // namespace visage::search
