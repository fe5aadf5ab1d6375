/// `DeviceRows` on the host, for tests without a GPU: compares every row in half precision. A file `open`,
/// `append`, `best`, `wrong` or `none` in the folder FAULTS makes it fail.
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/device_rows.h"

namespace visage::test {
namespace {

constexpr const char* kTold = "as it was told";

bool Is(const char* fault) { return access((std::string(FAULTS "/") + fault).c_str(), F_OK) == 0; }

float Half(float value) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + 0x1000) & ~0x1fffU);
}

class HostRows final : public base::DeviceRows {
 public:
  explicit HostRows(std::size_t dimension) : dimension_(dimension) {}

  const char* Append(const float* rows, std::size_t count) override {
    if (Is("append")) return kTold;
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < count * dimension_; ++i) values_.push_back(Half(rows[i]));
    return nullptr;
  }
  const char* Best(const float* probe, std::size_t count, std::int64_t* best) const override {
    if (Is("best")) return kTold;
    std::fill_n(best, count, -1);
    if (Is("none")) return nullptr;
    const bool is_wrong = Is("wrong");
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<float, std::int64_t>> all(values_.size() / dimension_);
    for (std::size_t row = 0; row < all.size(); ++row) {
      float sum = 0;
      for (std::size_t i = 0; i < dimension_; ++i) sum += values_[row * dimension_ + i] * Half(probe[i]);
      all[row] = {is_wrong ? 0 : -sum, static_cast<std::int64_t>(row)};
    }
    count = std::min(count, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end());
    for (std::size_t i = 0; i < count; ++i) best[i] = all[i].second;
    return nullptr;
  }

 private:
  const std::size_t dimension_;
  mutable std::mutex mutex_;
  std::vector<float> values_;
};

}  // namespace
}  // namespace visage::test

extern "C" visage::base::DeviceRows* visage_device_rows_1(std::size_t dimension, const char** why) {
  *why = visage::test::Is("open") ? visage::test::kTold : nullptr;
  return *why ? nullptr : new visage::test::HostRows(dimension);
}
