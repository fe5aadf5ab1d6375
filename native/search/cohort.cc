#include "search/cohort.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>

#include "base/error.h"

namespace visage::search {
namespace {

constexpr std::array<char, 8> kMagic = {'V', 'I', 'S', 'A', 'G', 'E', 'C', 'O'};
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kLanes = 32;
constexpr float kMostWeight = 10;

struct Header {
  std::array<char, 8> magic;
  std::uint32_t format;
  std::uint32_t dimension;
  std::uint32_t count;
  std::uint32_t nearest;
  float weight;
};

[[noreturn]] void Refuse(const char* why) { throw base::Error(base::ErrorCode::kInternal, why); }

}  // namespace

Cohort::Cohort(std::span<const float> vectors, std::size_t rank, std::size_t nearest, float weight)
    : rank_(rank),
      nearest_(nearest),
      weight_(weight),
      count_(vectors.size() / rank),
      vectors_((count_ + kLanes - 1) / kLanes * kLanes * rank) {
  for (std::size_t i = 0; i < count_; ++i) {
    const auto vector = vectors.subspan(i * rank, rank);
    double squares = 0;
    for (const float value : vector) squares += static_cast<double>(value) * value;
    const double factor = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (std::size_t at = 0; at < rank; ++at) {
      vectors_[(i / kLanes * rank + at) * kLanes + i % kLanes] = static_cast<float>(vector[at] * factor);
    }
  }
}

float Cohort::OffsetOf(std::span<const float> coordinates) const {
  std::vector<float> cosines;
  cosines.reserve(vectors_.size() / rank_);
  for (const float* vectors = vectors_.data(); cosines.size() < count_;) {
    std::array<float, kLanes> sums{};
    for (std::size_t at = 0; at < rank_; ++at, vectors += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += coordinates[at] * vectors[lane];
    }
    cosines.insert(cosines.end(), sums.begin(), sums.end());
  }
  cosines.resize(count_);
  const auto end = cosines.begin() + static_cast<std::ptrdiff_t>(nearest_);
  std::partial_sort(cosines.begin(), end, cosines.end(), std::greater());
  const double sum = std::accumulate(cosines.begin(), end, 0.0);
  const double mean = std::max(0.0, sum / static_cast<double>(nearest_));
  return static_cast<float>(weight_ * mean * mean);
}

CohortFile CohortFile::Parse(std::span<const std::byte> file) {
  Header header;
  if (file.size() < sizeof(header)) Refuse("the file is cut off");
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.magic != kMagic) Refuse("the file is not a cohort");
  if (header.format != kFormat) Refuse("the file has a format of another version of Visage");
  const std::size_t dimension = header.dimension;
  const std::size_t count = header.count;
  if (dimension < 1 || header.nearest < 1 || header.nearest > count) {
    Refuse("the file has sizes that do not fit each other");
  }
  if (!(header.weight > 0 && header.weight <= kMostWeight)) Refuse("the file has a weight outside 0..10");
  if (file.size() != sizeof(header) + count * dimension) Refuse("the file is not as long as its sizes say");
  CohortFile read{dimension, header.nearest, count, header.weight, {}};
  read.vectors.reserve(count * dimension);
  for (const std::byte value : file.subspan(sizeof(header))) {
    read.vectors.push_back(static_cast<float>(static_cast<std::int8_t>(value)));
  }
  return read;
}

}  // namespace visage::search
