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

/// Loads a GPU library permanently, and tries it. @throws Error kInternal with a sentence for the operator.
base::DeviceRows::Factory LoadDeviceRows(const std::string& library);

/// Proposes rows from a copy in GPU memory, none after a failure; callers check tombstones and scores.
/// Thread-safe.
class Proposer {
 public:
  using Row = Codes::Row;

  Proposer(base::DeviceRows::Factory make, std::size_t dimension) : make_(make), dimension_(dimension) {}

  /// Earlier rows are on the GPU; 0 after a failure.
  Row held() const { return held_.load(std::memory_order_acquire); }
  bool has_failed() const { return has_failed_; }
  std::string failure() const;

  /// Copies the next few rows of one view or its successors. @returns whether there may be more; false while
  /// another thread copies. @throws std::bad_alloc.
  bool ExtendSome(const Codes::View& view);

  /// About the best rows, best first, even from `held()` on; none after a failure. @param probe finite.
  std::vector<Row> Propose(std::span<const float> probe, std::size_t count);

 private:
  void Fail(const char* why);

  const base::DeviceRows::Factory make_;
  const std::size_t dimension_;
  std::atomic<Row> held_ = 0;
  std::atomic<bool> has_failed_ = false;
  std::mutex extending_;
  /// Guards the next two members.
  mutable std::shared_mutex mutex_;
  std::unique_ptr<base::DeviceRows> rows_;
  std::string failure_;
};

}  // namespace visage::search
