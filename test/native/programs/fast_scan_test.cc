#include "search/fast_scan.h"

#include <doctest/doctest.h>
#include <faiss/impl/pq4_fast_scan.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <span>
#include <vector>

namespace {

using visage::search::FastScan;
using visage::search::FastScanBlockBytes;
using visage::search::kFastScanBlock;
using visage::search::PackCodes;

constexpr std::size_t kCentroids = 16;

using Codes = std::vector<std::uint8_t>;
using Random = std::mt19937;

int Draw(Random& random, int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }

Codes DrawCodes(Random& random, std::size_t subquantizers) {
  Codes codes(subquantizers);
  for (auto& code : codes) code = static_cast<std::uint8_t>(Draw(random, 0, 15));
  return codes;
}

class Blocks {
 public:
  Blocks(std::size_t subquantizers, std::size_t blocks)
      : block_bytes_(FastScanBlockBytes(subquantizers)), lines_(blocks * block_bytes_ / sizeof(Line)) {}

  std::byte* data() { return reinterpret_cast<std::byte*>(lines_.data()); }

  void Pack(const Codes& codes, std::size_t row) {
    PackCodes(codes, row % kFastScanBlock, data() + row / kFastScanBlock * block_bytes_);
  }

 private:
  struct alignas(32) Line {
    std::array<std::byte, 32> bytes{};
  };
  std::size_t block_bytes_;
  std::vector<Line> lines_;
};

class Gallery {
 public:
  explicit Gallery(std::size_t subquantizers) : subquantizers_(subquantizers) {}

  void AddPiece(Random& random, std::size_t blocks, std::uint32_t first_row) {
    Piece piece{Blocks(subquantizers_, blocks), blocks, first_row};
    for (std::size_t i = 0; i < blocks * kFastScanBlock; ++i) {
      const auto codes = DrawCodes(random, subquantizers_);
      piece.blocks.Pack(codes, i);
      rows_[first_row + static_cast<std::uint32_t>(i)] = codes;
    }
    pieces_.push_back(std::move(piece));
  }

  std::vector<std::uint32_t> Search(std::span<const float> tables, std::size_t count) {
    FastScan scan(tables, subquantizers_, count);
    for (Piece& piece : pieces_) scan.Scan(piece.blocks.data(), piece.block_count, piece.first_row);
    std::vector<std::uint32_t> rows;
    for (const auto& [loss, row] : scan.Take()) rows.push_back(row);
    return rows;
  }

  void CheckDistinct(std::vector<std::uint32_t> found) const {
    std::ranges::sort(found);
    CHECK(std::ranges::adjacent_find(found) == found.end());
    CHECK(std::ranges::all_of(found, [&](std::uint32_t row) { return rows_.contains(row); }));
  }

  double Product(std::span<const float> tables, std::uint32_t row) const {
    const Codes& codes = rows_.at(row);
    double sum = 0;
    for (std::size_t i = 0; i < codes.size(); ++i) sum += tables[i * kCentroids + codes[i]];
    return sum;
  }

  std::vector<double> Products(std::span<const float> tables) const {
    std::vector<double> products;
    for (const auto& [row, codes] : rows_) products.push_back(Product(tables, row));
    std::ranges::sort(products, std::greater());
    return products;
  }

  std::size_t size() const { return rows_.size(); }

 private:
  struct Piece {
    Blocks blocks;
    std::size_t block_count;
    std::uint32_t first_row;
  };

  std::size_t subquantizers_;
  std::vector<Piece> pieces_;
  std::map<std::uint32_t, Codes> rows_;
};

/// Pieces of 0 to 20 blocks, in no order, anywhere in 32 bits.
Gallery DrawGallery(Random& random, std::size_t subquantizers) {
  Gallery gallery(subquantizers);
  std::vector<std::uint32_t> firsts = {0, 1'000, 70'000, 2'147'483'000, 4'294'960'000};
  std::ranges::shuffle(firsts, random);
  firsts.resize(static_cast<std::size_t>(Draw(random, 1, 5)));
  for (const std::uint32_t first : firsts) {
    gallery.AddPiece(random, static_cast<std::size_t>(Draw(random, 0, 20)), first);
  }
  return gallery;
}

/// Tables that 8 bits hold exactly: each is a multiple of `unit` within 255 of its lowest. With `values` 2,
/// most sums are equal.
std::vector<float> ExactTables(Random& random, std::size_t subquantizers, int values, float unit) {
  const int step = 255 / (values - 1);
  std::vector<float> tables(subquantizers * kCentroids);
  for (std::size_t i = 0; i < subquantizers; ++i) {
    const int lowest = Draw(random, -500, 500);
    for (std::size_t j = 0; j < kCentroids; ++j) {
      const int level = j < 2 ? static_cast<int>(j) * (values - 1) : Draw(random, 0, values - 1);
      tables[i * kCentroids + j] = unit * static_cast<float>(lowest + level * step);
    }
  }
  return tables;
}

}  // namespace

TEST_CASE("Packed codes have the layout of FAISS") {
  Random random(1);
  for (const std::size_t subquantizers : {2, 32, 80}) {
    CAPTURE(subquantizers);
    constexpr std::size_t kRows = 70;
    constexpr std::size_t kBlocks = 3;
    std::vector<std::size_t> order(kRows);
    std::iota(order.begin(), order.end(), 0);
    std::ranges::shuffle(order, random);
    Blocks blocks(subquantizers, kBlocks);
    Codes pairs(kRows * subquantizers / 2);
    for (const std::size_t row : order) {
      const auto codes = DrawCodes(random, subquantizers);
      blocks.Pack(codes, row);
      for (std::size_t i = 0; i < subquantizers; ++i) {
        pairs[(row * subquantizers + i) / 2] |= static_cast<std::uint8_t>(codes[i] << (i % 2 * 4));
      }
    }
    Codes expected(kBlocks * FastScanBlockBytes(subquantizers));
    faiss::pq4_pack_codes(pairs.data(), kRows, subquantizers, kBlocks * kFastScanBlock, kFastScanBlock,
                          subquantizers, expected.data());
    CHECK(std::memcmp(expected.data(), blocks.data(), expected.size()) == 0);
  }
}

TEST_CASE("The fast scan takes the rows of the largest sums from all pieces and orders them") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const std::size_t subquantizers = 2 * static_cast<std::size_t>(Draw(random, 1, 60));
    Gallery gallery = DrawGallery(random, subquantizers);
    const int values = std::array{2, 4, 256}[seed % 3];
    const auto tables =
        ExactTables(random, subquantizers, values, std::array{0.25F, 1.0F, 8.0F}[seed / 3 % 3]);
    const auto count = static_cast<std::size_t>(Draw(random, 1, seed % 5 == 0 ? 4'000 : 300));

    const auto found = gallery.Search(tables, count);
    REQUIRE(found.size() == std::min(count, gallery.size()));
    gallery.CheckDistinct(found);
    auto expected = gallery.Products(tables);
    expected.resize(found.size());
    std::vector<double> products;
    for (const std::uint32_t row : found) products.push_back(gallery.Product(tables, row));
    CHECK(products == expected);
  }
}

TEST_CASE("The fast scan passes over a better row by no more than the rounding of the tables") {
  for (const std::size_t subquantizers : {16, 80, 544}) {
    CAPTURE(subquantizers);
    Random random(static_cast<unsigned>(subquantizers));
    Gallery gallery(subquantizers);
    gallery.AddPiece(random, 64, 0);
    std::normal_distribution<float> normal(0, 0.002F);
    std::vector<float> tables(subquantizers * kCentroids);
    for (float& value : tables) value = normal(random);
    // Sums of 544 tables lie on both sides of 65,536 steps of 8 bits.
    for (std::size_t i = 0; i < tables.size(); i += 2) tables[i] += 0.1F;
    float widest = 0;
    float sum = 0;
    for (std::size_t i = 0; i < tables.size(); i += kCentroids) {
      const auto [low, high] = std::ranges::minmax(std::span(tables).subspan(i, kCentroids));
      widest = std::max(widest, high - low);
      sum += high - low;
    }
    // Sums have 16 bits.
    const double step = std::max(widest / 255, sum / 65'000);
    const double tolerance = 1.1 * step * static_cast<double>(subquantizers);

    const auto found = gallery.Search(tables, 100);
    REQUIRE(found.size() == 100);
    gallery.CheckDistinct(found);
    const auto best = gallery.Products(tables);
    CHECK(tolerance < best.front() - best[best.size() / 2]);
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(std::abs(gallery.Product(tables, found[i]) - best[i]) <= tolerance);
    }
  }
}

TEST_CASE("The fast scan takes any rows for a probe without a direction") {
  Random random(1);
  Gallery gallery(80);
  gallery.AddPiece(random, 40, 5);
  for (const float value : {0.0F, 3.5F}) {
    const auto found = gallery.Search(std::vector<float>(80 * kCentroids, value), 50);
    CHECK(found.size() == 50);
    gallery.CheckDistinct(found);
  }
}

TEST_CASE("The fast scan takes nothing from no rows") {
  CHECK(Gallery(80).Search(std::vector<float>(80 * kCentroids, 1), 10).empty());
}
