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

/// The function of a library that keeps rows on a GPU. It stays loaded, after it has found the best of a few
/// rows. @throws Error kInternal with a sentence for the operator.
base::DeviceRows::Factory LoadDeviceRows(const std::string& library);

/// Proposes rows of Codes that may be the best for a probe, by a copy of them in a GPU's memory. What it
/// proposes is not checked for tombstones, and is to be ranked by the codes themselves.
///
/// After the first failure it proposes nothing more and its rows on the GPU are given up. Thread-safe.
class Proposer {
 public:
  using Row = Codes::Row;

  Proposer(base::DeviceRows::Factory make, std::size_t dimension) : make_(make), dimension_(dimension) {}

  /// Rows before this one are on the GPU; 0 after a failure.
  Row held() const { return held_.load(std::memory_order_acquire); }
  bool has_failed() const { return has_failed_; }
  /// Why, in words; empty where nothing has failed.
  std::string failure() const;

  /// Copies the next few rows of the view. From any thread; by one at a time, others have nothing to do.
  /// @param view the same rows each time, or more. @returns whether there may be more. @throws
  /// std::bad_alloc.
  bool ExtendSome(const Codes::View& view);

  /// About the best `count` rows, best first; rows from `held()` on may be among them.
  /// @param probe finite floats. @param count 1..DeviceRows::kMost.
  /// @returns nothing where it cannot say: it has failed, or the probe is zero.
  std::vector<Row> Propose(std::span<const float> probe, std::size_t count);

 private:
  void Fail(const char* why);

  const base::DeviceRows::Factory make_;
  const std::size_t dimension_;
  std::atomic<Row> held_ = 0;
  std::atomic<bool> has_failed_ = false;
  std::mutex extending_;
  /// Of the two below, alone to change which rows they are.
  mutable std::shared_mutex mutex_;
  std::unique_ptr<base::DeviceRows> rows_;
  std::string failure_;
};

}  // namespace visage::search
