#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "search/codes.h"

namespace visage::search {

/// The best of the rows that it is offered. Of equal scores the first row's is better.
class Nearest {
 public:
  struct Candidate {
    /// In units of the probe's scale.
    double score;
    Codes::Row row;
  };

  /// @param k how many are kept, at least 1.
  explicit Nearest(std::size_t k) : k_(k) {}

  /// What a score has to reach to change anything.
  double threshold() const {
    return heap_.size() < k_ ? -std::numeric_limits<double>::infinity() : heap_.front().score;
  }
  /// @param row offered once.
  void Offer(double score, Codes::Row row);
  /// What is kept, best first; nothing is kept afterwards.
  std::vector<Candidate> Take();

 private:
  std::size_t k_;
  /// The worst on top.
  std::vector<Candidate> heap_;
};

/// Offers the rows `first..last` without tombstones, `last` excluded: those that can be among the best, by a
/// bound.
///
/// A row's score is its estimate by the high plane and the product of the probe and the low plane, which by
/// Cauchy and Schwarz is at most the product of their lengths. Where even that is below the worst of the
/// best, the row is not looked at further. So the result is that of offering every row's score.
void ScanExact(const Kernels& kernels, const Codes::View& view, const Probe& probe, std::size_t first,
               std::size_t last, Nearest& nearest);

/// The same of single rows, ascending and each once.
void ScanExact(const Kernels& kernels, const Codes::View& view, const Probe& probe,
               std::span<const Codes::Row> rows, Nearest& nearest);

}  // namespace visage::search
