#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "base/device_rows.h"
#include "search/codes.h"

namespace visage::search {

/// Loads a library that keeps rows on a GPU, and has it find the best of a few rows. It stays loaded. @throws
/// Error kInternal with a sentence for the operator.
base::DeviceRows::Factory LoadDeviceRows(const std::string& library);

/// Proposes rows of Codes from a copy in a GPU's memory. Callers check tombstones and rank the proposals by
/// the rows.
///
/// After the first failure it frees its GPU memory and proposes nothing. Thread-safe.
class Proposer {
 public:
  using Row = Codes::Row;

  Proposer(base::DeviceRows::Factory make, std::size_t dimension) : make_(make), dimension_(dimension) {}

  /// Rows before this one are on the GPU; 0 after a failure.
  Row held() const { return held_.load(std::memory_order_acquire); }
  bool has_failed() const { return has_failed_; }
  /// The reason in words; empty without a failure.
  std::string failure() const;

  /// Copies the next few rows of the view. While one thread copies, calls of others return false.
  /// @param view the same rows each time, or more. @returns whether there may be more. @throws
  /// std::bad_alloc.
  bool ExtendSome(const Codes::View& view);

  /// About the best `count` rows, best first; rows from `held()` on may be among them.
  /// @param probe finite floats. @param count 1..DeviceRows::kMost.
  /// @returns nothing after a failure, or for a zero probe.
  std::vector<Row> Propose(std::span<const float> probe, std::size_t count);

 private:
  void Fail(const char* why);

  const base::DeviceRows::Factory make_;
  const std::size_t dimension_;
  std::atomic<Row> held_ = 0;
  std::atomic<bool> has_failed_ = false;
  std::mutex extending_;
  /// Guards the two members below; exclusive to exchange the rows.
  mutable std::shared_mutex mutex_;
  std::unique_ptr<base::DeviceRows> rows_;
  std::string failure_;
};

}  // namespace visage::search
