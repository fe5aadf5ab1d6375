#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "search/cohort.h"

namespace visage::search {

/// Basis of the subspace of a pack's templates, and a product quantiser (H. Jegou et al., IEEE TPAMI 33(1),
/// 2011) for rows in it. Immutable.
class SearchSpace {
 public:
  /// A code has 4 bits.
  static constexpr std::size_t kCentroids = 16;
  static constexpr std::size_t kMostDimension = 65536;

  /// The whole space without a quantiser. @param dimension 1..kMostDimension.
  explicit SearchSpace(std::size_t dimension);
  /// @param file laid out as in src/vision/search-space.ts. @throws base::Error kInternal
  static std::shared_ptr<const SearchSpace> Parse(std::span<const std::byte> file);

  /// See CohortFile::Parse for the file and the errors.
  std::shared_ptr<const SearchSpace> With(std::span<const std::byte> file) const;

  /// Floats per template.
  std::size_t dimension() const { return dimension_; }
  std::size_t rank() const { return rank_; }
  /// Codes per row, even; 0 without a quantiser.
  std::size_t subquantizers() const { return subquantizers_; }
  /// Null if scores are plain cosines.
  const Cohort* cohort() const { return cohort_.get(); }
  /// CRC-32C of the files; 0 for a whole space without a cohort. Only rows with equal marks are comparable.
  std::uint32_t mark() const { return mark_; }

  void Project(std::span<const float> vector, std::span<float> row) const;
  /// @param row `rank()` coordinates. @param vector receives `dimension()` floats.
  void Lift(std::span<const float> row, std::span<float> vector) const;
  /// @param row `rank()` floats. @param codes receives `subquantizers()` numbers, 0..15.
  void Encode(std::span<const float> row, std::span<std::uint8_t> codes) const;
  /// Inner products with the centroids; their sum over a row's codes estimates its score. @param probe
  /// `rank()` floats. @param tables receives `subquantizers()` times 16 floats.
  void Tables(std::span<const float> probe, std::span<float> tables) const;

 private:
  std::size_t part() const { return subquantizers_ == 0 ? 0 : rank_ / subquantizers_; }

  std::size_t dimension_;
  std::size_t rank_;
  std::size_t subquantizers_ = 0;
  std::uint32_t mark_ = 0;
  /// [rank / kLanes][dimension][kLanes]; empty for a whole space.
  std::vector<float> basis_;
  /// [part][coordinate][centroid].
  std::vector<float> centroids_;
  std::shared_ptr<const Cohort> cohort_;
};

}  // namespace visage::search
