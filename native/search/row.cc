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

/// Moves the exponent of a float to that of a half, 127 - 15 binary places; the mantissa has 13 more bits.
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

/// @param coordinates of length 1. @param row receives two bytes each.
void WriteCoordinates(std::span<const float> coordinates, std::span<std::byte> row) {
  std::vector<std::uint16_t> halves(coordinates.size());
  std::ranges::transform(coordinates, halves.begin(), ToHalf);
  std::memcpy(row.data(), halves.data(), row.size());
}

[[noreturn]] void RefuseNumber() {
  throw base::Error(base::ErrorCode::kInternal, "A template holds a value that is not a finite number.");
}

}  // namespace

std::size_t RowBytes(const SearchSpace& space) { return space.rank() * sizeof(std::uint16_t); }

bool AreRows(const SearchSpace& space, std::size_t bytes, std::size_t count) {
  return bytes == count * RowBytes(space) || bytes == count * space.dimension() * sizeof(float);
}

void WriteRow(const SearchSpace& space, std::span<const float> vector, std::span<std::byte> row) {
  std::vector<float> coordinates(space.rank());
  space.Project(vector, coordinates);
  Normalize(coordinates);
  WriteCoordinates(coordinates, row);
}

void ReadRow(const SearchSpace& space, std::span<const std::byte> bytes, std::span<float> coordinates) {
  std::vector<std::uint16_t> halves(space.rank());
  if (bytes.size() == RowBytes(space)) {
    std::memcpy(halves.data(), bytes.data(), bytes.size());
    if (std::ranges::any_of(halves, [](std::uint16_t half) { return (half & kInfinity) == kInfinity; }))
      RefuseNumber();
  } else {
    std::vector<float> vector(space.dimension());
    std::memcpy(vector.data(), bytes.data(), bytes.size());
    if (!std::ranges::all_of(vector, [](float value) { return std::isfinite(value); })) RefuseNumber();
    WriteRow(space, vector, std::as_writable_bytes(std::span(halves)));
  }
  std::ranges::transform(halves, coordinates.begin(), FromHalf);
  // Halves round the length.
  Normalize(coordinates);
}

std::vector<float> CompareRows(const SearchSpace& space, std::span<const std::byte> probe,
                               std::span<const std::span<const std::byte>> rows) {
  std::vector<float> coordinates(space.rank());
  ReadRow(space, probe, coordinates);
  const Probe quantised(coordinates);
  const Kernels& kernels = BestKernels();
  const std::size_t width = PaddedDimension(space.rank());
  std::vector<std::int8_t> high(width);
  std::vector<std::int8_t> low(width);
  std::vector<float> scores;
  for (const std::span<const std::byte> row : rows) {
    ReadRow(space, row, coordinates);
    const Magnitudes magnitudes = Quantise(coordinates, high, low);
    const double score = Score(kernels, quantised, high.data(), low.data(), magnitudes.scale, width);
    scores.push_back(static_cast<float>(score * quantised.scale()));
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
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto own = std::span(all).subspan(i * rank, rank);
    ReadRow(space, rows[i], own);
    for (std::size_t at = 0; at < rank; ++at) sum[at] += own[at];
  }
  double square = 0;
  for (const double value : sum) square += value * value;
  // The sum's squared length is twice every pair's score, plus 1 per row.
  if ((square - count) / (count * (count - 1)) < least) return {};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double with_all = 0;
    for (std::size_t at = 0; at < rank; ++at) with_all += all[i * rank + at] * sum[at];
    const double others = std::sqrt(std::max(0.0, square - 2 * with_all + 1));
    if (with_all - 1 < least * others) return {};
  }
  std::vector<float> mean(sum.begin(), sum.end());
  Normalize(mean);
  std::vector<std::byte> row(RowBytes(space));
  WriteCoordinates(mean, row);
  return row;
}

}  // namespace visage::search
