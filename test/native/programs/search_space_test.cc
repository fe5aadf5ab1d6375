#include "search/search_space.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <vector>

namespace {

using visage::search::SearchSpace;

constexpr std::size_t kRank = 64;
constexpr std::size_t kCentroids = SearchSpace::kCentroids;

std::shared_ptr<const SearchSpace> SpaceOf(std::uint32_t subquantizers, std::span<const float> centroids) {
  struct {
    std::array<char, 8> magic = {'V', 'I', 'S', 'A', 'G', 'E', 'S', 'S'};
    std::uint32_t format = 1;
    std::uint32_t dimension = kRank;
    std::uint32_t rank = kRank;
    std::uint32_t subquantizers = 0;
    std::array<float, kRank * kRank> basis{};
    std::array<float, kRank * kCentroids> centroids{};
  } file;
  file.subquantizers = subquantizers;
  for (std::size_t i = 0; i < kRank; ++i) file.basis[i * kRank + i] = 1;
  std::ranges::copy(centroids, file.centroids.begin());
  return SearchSpace::Parse(std::as_bytes(std::span(&file, 1)));
}

std::uint8_t Nearest(std::span<const float> centroids, std::span<const float> part) {
  std::size_t best = 0;
  float least = std::numeric_limits<float>::infinity();
  for (std::size_t code = 0; code < kCentroids; ++code) {
    float distance = 0;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const float difference = part[i] - centroids[code * part.size() + i];
      distance = std::fma(difference, difference, distance);
    }
    if (distance < least) {
      least = distance;
      best = code;
    }
  }
  return static_cast<std::uint8_t>(best);
}

}  // namespace

TEST_CASE("A row gets the code of the first nearest centroid of each part") {
  std::mt19937 random(1);
  for (const std::size_t subquantizers : {2, 16, 32, 64}) {
    const std::size_t width = kRank / subquantizers;
    // Few values, so that many distances are equal.
    std::uniform_int_distribution<int> value(-2, 2);
    std::vector<float> centroids(kRank * kCentroids);
    std::ranges::generate(centroids, [&] { return static_cast<float>(value(random)); });
    const auto space = SpaceOf(static_cast<std::uint32_t>(subquantizers), centroids);
    for (int round = 0; round < 50; ++round) {
      std::vector<float> row(kRank);
      std::ranges::generate(row, [&] { return static_cast<float>(value(random)); });
      std::vector<std::uint8_t> codes(subquantizers);
      space->Encode(row, codes);
      for (std::size_t sub = 0; sub < subquantizers; ++sub) {
        const auto own = std::span(centroids).subspan(sub * width * kCentroids, width * kCentroids);
        CHECK(int{codes[sub]} == int{Nearest(own, std::span(row).subspan(sub * width, width))});
      }
    }
  }
}
