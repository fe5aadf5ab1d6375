#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "search/codes.h"

namespace visage::search {

/// Keeps the best of the offered rows. Of equal scores the first row wins.
class Nearest {
 public:
  struct Candidate {
    /// In units of the probe's scale.
    double score;
    Codes::Row row;
  };

  /// @param k rows to keep, at least 1.
  explicit Nearest(std::size_t k) : k_(k) {}

  /// A lower score changes nothing.
  double threshold() const {
    return heap_.size() < k_ ? -std::numeric_limits<double>::infinity() : heap_.front().score;
  }
  /// Call it once per row.
  void Offer(double score, Codes::Row row);
  /// Returns the kept rows, best first, and clears the list.
  std::vector<Candidate> Take();

 private:
  std::size_t k_;
  /// The worst on top.
  std::vector<Candidate> heap_;
};

/// Offers the living rows from `first` to `last`, `last` excluded.
///
/// A score is the estimate by the high plane plus the product of the probe and the low plane. By
/// Cauchy-Schwarz that product is at most the product of their lengths. If the sum of estimate and bound
/// stays below the worst kept score, the scan skips the low plane. So the result equals that of offering
/// every row.
void ScanExact(const Kernels& kernels, const Codes::View& view, const Probe& probe, std::size_t first,
               std::size_t last, Nearest& nearest);

/// The same for single rows, each listed once.
void ScanExact(const Kernels& kernels, const Codes::View& view, const Probe& probe,
               std::span<const Codes::Row> rows, Nearest& nearest);

}  // namespace visage::search
