#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace visage::search {

/// The subspace in which the templates of a model pack lie, and a product quantiser for it. Immutable.
///
/// Rows of an index hold the coordinates of a template in the subspace. The product quantiser splits them
/// into parts and replaces each part by the nearest of 16 centroids.
///
/// H. Jegou, M. Douze, C. Schmid, Product quantization for nearest neighbor search, IEEE TPAMI 33(1), 2011.
class SearchSpace {
 public:
  /// Centroids of a part: 4 bits a code.
  static constexpr std::size_t kCentroids = 16;
  static constexpr std::size_t kMostDimension = 65536;

  /// The whole space without a quantiser. @param dimension 1..kMostDimension.
  explicit SearchSpace(std::size_t dimension);
  /// Reads the file that `visagectl models basis` writes (docs/model-packs.md).
  /// @throws base::Error kInternal with the reason.
  static std::shared_ptr<const SearchSpace> Parse(std::span<const std::byte> file);

  /// Floats of a template.
  std::size_t dimension() const { return dimension_; }
  /// Floats of a row.
  std::size_t rank() const { return rank_; }
  /// Codes of a row, an even number; 0 without a quantiser.
  std::size_t subquantizers() const { return subquantizers_; }
  /// CRC-32C of the file; 0 for a whole space. Rows of spaces with different marks cannot be compared.
  std::uint32_t mark() const { return mark_; }

  /// @param vector `dimension()` floats. @param row receives `rank()` floats. Inner products of rows are
  /// those of vectors, up to the parts of the vectors outside the subspace.
  void Project(std::span<const float> vector, std::span<float> row) const;
  /// @param row `rank()` floats. @param codes receives `subquantizers()` numbers, 0..15.
  void Encode(std::span<const float> row, std::span<std::uint8_t> codes) const;
  /// @param probe `rank()` floats. @param tables receives for each part the inner products with its 16
  /// centroids; their sum over the codes of a row estimates the row's score.
  void Tables(std::span<const float> probe, std::span<float> tables) const;

 private:
  /// Coordinates that one code replaces.
  std::size_t part() const { return subquantizers_ == 0 ? 0 : rank_ / subquantizers_; }

  std::size_t dimension_;
  std::size_t rank_;
  std::size_t subquantizers_ = 0;
  std::uint32_t mark_ = 0;
  /// For each group of kLanes coordinates, for each value of a vector: kLanes weights. Empty without a basis.
  std::vector<float> basis_;
  /// For each part, for each coordinate in it: 16 numbers, one a centroid.
  std::vector<float> centroids_;
};

}  // namespace visage::search
