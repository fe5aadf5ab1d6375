#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "search/row_reader.h"

namespace visage::search {

/// Of equal scores, the first row wins.
class Nearest {
 public:
  struct Candidate {
    double score;
    Codes::Row row;
  };

  explicit Nearest(std::size_t k) : k_(k) {}

  double threshold() const {
    return heap_.size() < k_ ? -std::numeric_limits<double>::infinity() : heap_.front().score;
  }
  void Offer(double score, Codes::Row row);
  /// Best first; clears the list.
  std::vector<Candidate> Take();

 private:
  std::size_t k_;
  std::vector<Candidate> heap_;
};

/// Offers the living rows from `first` to before `last`.
///
/// Reads the low plane only where the high plane's estimate, plus Cauchy-Schwarz's bound and less the row's
/// offset, reaches the worst kept score, so the result is exact. @param probe of length 1, like the rows.
void ScanExact(const Kernels& kernels, RowReader& reader, const Probe& probe, std::size_t first,
               std::size_t last, Nearest& nearest);

void ScanExact(const Kernels& kernels, RowReader& reader, const Probe& probe,
               std::span<const Codes::Row> rows, Nearest& nearest);

}  // namespace visage::search
