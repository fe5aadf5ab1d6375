#include "search/proposer.h"

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace visage::search {
namespace {

constexpr std::size_t kSlice = 1024;
/// Half precision keeps vectors with peaks in this range as exactly as unit vectors.
constexpr float kLeastPeak = 1.0F / 512;
constexpr float kMostPeak = 512;
constexpr float kMostCode = 127 * 256 + 127;

constexpr std::size_t kTried = 32;

std::string LoaderError() {
  const char* error = dlerror();
  return error ? error : "the library does not load";
}

/// Null, or why the library is unusable.
const char* TryOut(base::DeviceRows::Factory make) {
  const char* why = nullptr;
  const std::unique_ptr<base::DeviceRows> rows(make(kTried, &why));
  if (!rows) return why;
  std::vector<float> axes(kTried * kTried);
  std::vector<float> probe(kTried);
  for (std::size_t i = 0; i < kTried; ++i) {
    axes[i * kTried + i] = 1;
    probe[i] = static_cast<float>(i) / 128;
  }
  why = rows->Append(axes.data(), kTried);
  if (why) return why;
  std::vector<std::int64_t> best(kTried);
  why = rows->Best(probe.data(), kTried, best.data());
  if (why) return why;
  for (std::size_t i = 0; i < kTried; ++i) {
    if (best[i] != static_cast<std::int64_t>(kTried - 1 - i))
      return "it does not find the best of a few rows";
  }
  return nullptr;
}

}  // namespace

base::DeviceRows::Factory LoadDeviceRows(const std::string& library) {
  static std::mutex mutex;
  static std::map<std::string, base::DeviceRows::Factory> loaded;
  const std::lock_guard lock(mutex);
  if (const auto found = loaded.find(library); found != loaded.end()) return found->second;
  // Searching threads may outlive the process's exit handlers.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) throw base::Error(base::ErrorCode::kInternal, LoaderError());
  const auto make = reinterpret_cast<base::DeviceRows::Factory>(dlsym(handle, base::DeviceRows::kFactory));
  if (!make) throw base::Error(base::ErrorCode::kInternal, LoaderError());
  if (const char* why = TryOut(make)) throw base::Error(base::ErrorCode::kInternal, why);
  return loaded.emplace(library, make).first->second;
}

std::string Proposer::failure() const {
  const std::shared_lock lock(mutex_);
  return failure_;
}

bool Proposer::ExtendSome(const Codes::View& view) {
  const std::unique_lock extending(extending_, std::try_to_lock);
  if (!extending || has_failed_) return false;
  const Row first = held_;
  const std::size_t count = std::min(kSlice, view.size() - std::min<std::size_t>(first, view.size()));
  if (count == 0) return false;
  std::vector<float> floats(count * dimension_);
  for (Row row = first; row < first + count; ++row) {
    const float peak = *view.From(row).scales * kMostCode;
    if (peak != 0 && !(peak >= kLeastPeak && peak <= kMostPeak)) {
      Fail("a vector is much longer or shorter than a template");
      return false;
    }
    view.Decode(row, view.InMemory(row), std::span(floats).subspan((row - first) * dimension_, dimension_));
  }
  const char* why = nullptr;
  if (first == 0) {
    const std::unique_lock lock(mutex_);
    if (has_failed_) return false;
    rows_.reset(make_(dimension_, &why));
  }
  {
    const std::shared_lock lock(mutex_);
    // A search may have failed in the meantime.
    if (rows_) why = rows_->Append(floats.data(), count);
    if (rows_ && !why) held_.store(first + static_cast<Row>(count), std::memory_order_release);
  }
  if (why) Fail(why);
  return !has_failed_ && first + count < view.size();
}

std::vector<Proposer::Row> Proposer::Propose(std::span<const float> probe, std::size_t count) {
  double squares = 0;
  for (const float value : probe) squares += static_cast<double>(value) * value;
  if (squares == 0) return {};
  const double factor = 1 / std::sqrt(squares);
  std::vector<float> unit(probe.size());
  std::ranges::transform(probe, unit.begin(),
                         [&](float value) { return static_cast<float>(value * factor); });
  std::vector<std::int64_t> best(count);
  const char* why = nullptr;
  {
    const std::shared_lock lock(mutex_);
    if (!rows_) return {};
    why = rows_->Best(unit.data(), count, best.data());
  }
  if (why) {
    Fail(why);
    return {};
  }
  std::vector<Row> rows;
  rows.reserve(count);
  for (const std::int64_t row : best) {
    if (row >= 0) rows.push_back(static_cast<Row>(row));
  }
  return rows;
}

void Proposer::Fail(const char* why) {
  std::unique_ptr<base::DeviceRows> given_up;
  const std::unique_lock lock(mutex_);
  if (!has_failed_) failure_ = why;
  has_failed_ = true;
  held_ = 0;
  given_up = std::move(rows_);
}

}  // namespace visage::search
