#include "search/search_space.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/lanes.h"
#include "search/crc32c.h"

namespace visage::search {
namespace {

constexpr std::array<char, 8> kMagic = {'V', 'I', 'S', 'A', 'G', 'E', 'S', 'S'};
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kLanes = 32;
/// Rounding to float moves the length of a unit vector by less.
constexpr double kUnitTolerance = 1e-3;

struct Header {
  std::array<char, 8> magic;
  std::uint32_t format;
  std::uint32_t dimension;
  std::uint32_t rank;
  std::uint32_t subquantizers;
};

template <typename Lanes>
Lanes Least(Lanes lanes) {
  const auto smaller = [](Lanes one, Lanes other) { return one < other ? one : other; };
  lanes = smaller(lanes, __builtin_shufflevector(lanes, lanes, 4, 5, 6, 7, 0, 1, 2, 3));
  lanes = smaller(lanes, __builtin_shufflevector(lanes, lanes, 2, 3, 0, 1, 6, 7, 4, 5));
  return smaller(lanes, __builtin_shufflevector(lanes, lanes, 1, 0, 3, 2, 5, 4, 7, 6));
}

/// Without branches, which processors mispredict.
std::uint8_t PlaceOfLeast(base::Floats8 first, base::Floats8 second) {
  constexpr base::Ints8 kPlaces = {0, 1, 2, 3, 4, 5, 6, 7};
  constexpr base::Ints8 kNone = kPlaces + 16;
  const base::Floats8 least = Least(first < second ? first : second);
  const base::Ints8 in_first = first == least ? kPlaces : kNone;
  const base::Ints8 in_second = second == least ? kPlaces + 8 : kNone;
  return static_cast<std::uint8_t>(Least(in_first < in_second ? in_first : in_second)[0]);
}

[[noreturn]] void Refuse(const char* why) { throw base::Error(base::ErrorCode::kInternal, why); }

}  // namespace

SearchSpace::SearchSpace(std::size_t dimension) : dimension_(dimension), rank_(dimension) {}

std::shared_ptr<const SearchSpace> SearchSpace::Parse(std::span<const std::byte> file) {
  Header header;
  if (file.size() < sizeof(header)) Refuse("the file is cut off");
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.magic != kMagic) Refuse("the file is not a search space");
  if (header.format != kFormat) Refuse("the file has a format of another version of Visage");
  const std::size_t dimension = header.dimension;
  const std::size_t rank = header.rank;
  const std::size_t subquantizers = header.subquantizers;
  if (dimension < 1 || dimension > kMostDimension || rank < 1 || rank > dimension || rank % kLanes != 0 ||
      subquantizers < 2 || subquantizers % 2 != 0 || rank % subquantizers != 0) {
    Refuse("the file has sizes that do not fit each other");
  }
  const std::size_t floats = rank * dimension + kCentroids * rank;
  if (file.size() != sizeof(header) + floats * sizeof(float)) {
    Refuse("the file is not as long as its sizes say");
  }
  std::vector<float> numbers(floats);
  std::memcpy(numbers.data(), file.data() + sizeof(header), floats * sizeof(float));
  if (!std::ranges::all_of(numbers, [](float number) { return std::isfinite(number); })) {
    Refuse("the file holds a value that is not a finite number");
  }

  auto space = std::make_shared<SearchSpace>(dimension);
  space->rank_ = rank;
  space->subquantizers_ = subquantizers;
  space->mark_ = std::max(std::uint32_t{1}, Crc32c(0, file));
  space->basis_.resize(rank * dimension);
  for (std::size_t at = 0; at < rank; ++at) {
    double squares = 0;
    for (std::size_t i = 0; i < dimension; ++i) {
      const float weight = numbers[at * dimension + i];
      squares += static_cast<double>(weight) * weight;
      space->basis_[(at / kLanes * dimension + i) * kLanes + at % kLanes] = weight;
    }
    if (std::abs(squares - 1) > kUnitTolerance) Refuse("the basis has a vector that is not of length 1");
  }
  const std::size_t part = space->part();
  const float* centroids = numbers.data() + rank * dimension;
  space->centroids_.resize(kCentroids * rank);
  for (std::size_t sub = 0; sub < subquantizers; ++sub) {
    for (std::size_t code = 0; code < kCentroids; ++code) {
      for (std::size_t i = 0; i < part; ++i) {
        space->centroids_[(sub * part + i) * kCentroids + code] =
            centroids[(sub * kCentroids + code) * part + i];
      }
    }
  }
  return space;
}

std::shared_ptr<const SearchSpace> SearchSpace::With(std::span<const std::byte> file) const {
  const CohortFile cohort = CohortFile::Parse(file);
  if (cohort.dimension != dimension_) Refuse("the cohort is of templates of another length");
  std::vector<float> rows(cohort.count * rank_);
  for (std::size_t i = 0; i < cohort.count; ++i) {
    Project(std::span(cohort.vectors).subspan(i * dimension_, dimension_),
            std::span(rows).subspan(i * rank_, rank_));
  }
  auto space = std::make_shared<SearchSpace>(*this);
  space->cohort_ = std::make_shared<const Cohort>(rows, rank_, cohort.nearest, cohort.weight);
  space->mark_ = std::max(std::uint32_t{1}, Crc32c(mark_, file));
  return space;
}

void SearchSpace::Project(std::span<const float> vector, std::span<float> row) const {
  if (basis_.empty()) {
    std::ranges::copy(vector, row.begin());
    return;
  }
  const float* weights = basis_.data();
  for (std::size_t start = 0; start < rank_; start += kLanes) {
    std::array<float, kLanes> sums{};
    for (std::size_t i = 0; i < dimension_; ++i, weights += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += vector[i] * weights[lane];
    }
    std::ranges::copy(sums, row.begin() + static_cast<std::ptrdiff_t>(start));
  }
}

void SearchSpace::Lift(std::span<const float> row, std::span<float> vector) const {
  if (basis_.empty()) {
    std::ranges::copy(row, vector.begin());
    return;
  }
  std::ranges::fill(vector, 0.0F);
  const float* weights = basis_.data();
  for (std::size_t start = 0; start < rank_; start += kLanes) {
    for (std::size_t i = 0; i < dimension_; ++i, weights += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) vector[i] += row[start + lane] * weights[lane];
    }
  }
}

void SearchSpace::Encode(std::span<const float> row, std::span<std::uint8_t> codes) const {
  const float* centroids = centroids_.data();
  const std::size_t width = part();
  for (std::size_t sub = 0; sub < subquantizers_; ++sub) {
    base::Floats8 first{};
    base::Floats8 second{};
    for (std::size_t i = 0; i < width; ++i, centroids += kCentroids) {
      base::Floats8 near;
      base::Floats8 far;
      std::memcpy(&near, centroids, sizeof(near));
      std::memcpy(&far, centroids + kCentroids / 2, sizeof(far));
      near = row[sub * width + i] - near;
      far = row[sub * width + i] - far;
      first += near * near;
      second += far * far;
    }
    codes[sub] = PlaceOfLeast(first, second);
  }
}

void SearchSpace::Tables(std::span<const float> probe, std::span<float> tables) const {
  const float* centroids = centroids_.data();
  const std::size_t width = part();
  std::ranges::fill(tables, 0.0F);
  for (std::size_t sub = 0; sub < subquantizers_; ++sub) {
    float* table = tables.data() + sub * kCentroids;
    for (std::size_t i = 0; i < width; ++i, centroids += kCentroids) {
      const float value = probe[sub * width + i];
      for (std::size_t code = 0; code < kCentroids; ++code) table[code] += value * centroids[code];
    }
  }
}

}  // namespace visage::search
