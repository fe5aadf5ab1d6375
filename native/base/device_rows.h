#pragma once

#include <cstddef>
#include <cstdint>

namespace visage::base {

/// Append-only vectors in GPU memory; see `cuda/faiss_rows.cu`. Calls return null or an error message, valid
/// until the thread's next call. Thread-safe; throws nothing.
class DeviceRows {
 public:
  /// The exported function; returns null and sets `why` on failure. Increment the number with each interface
  /// change.
  static constexpr const char* kFactory = "visage_device_rows_1";
  using Factory = DeviceRows* (*)(std::size_t dimension, const char** why);
  /// FAISS's limit on every GPU.
  static constexpr std::size_t kMost = 1024;

  virtual ~DeviceRows() = default;

  virtual const char* Append(const float* rows, std::size_t count) = 0;
  /// Finds the largest inner products, in half precision. @param count 1..kMost. @param best `count` rows,
  /// best first; -1 where missing.
  virtual const char* Best(const float* probe, std::size_t count, std::int64_t* best) const = 0;
};

}  // namespace visage::base
