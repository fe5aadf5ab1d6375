#pragma once

#include <cstddef>
#include <cstdint>

namespace visage {

/// Vectors in a GPU's memory, in rows that are only ever appended, and which of them are most like a probe.
///
/// Implemented on FAISS's GPU index by `cuda/faiss_rows.cu`, a library of its own, so that a build without
/// CUDA and FAISS is the same one. Thread-safe. A call that fails returns why, in words that live until the
/// thread's next call; null otherwise. Nothing is thrown.
class DeviceRows {
 public:
  /// Name of the library's one function, which makes rows of so many floats, or says why it cannot and
  /// returns null. To be changed with this class.
  static constexpr const char* kFactory = "visage_device_rows_1";
  using Factory = DeviceRows* (*)(std::size_t dimension, const char** why);
  /// Rows that `Best` finds at most: FAISS selects 1024 on every GPU that it runs on, 2048 on newer ones.
  static constexpr std::size_t kMost = 1024;

  virtual ~DeviceRows() = default;

  /// @param rows `count * dimension` floats, which are kept in half precision.
  virtual const char* Append(const float* rows, std::size_t count) = 0;
  /// The rows of the largest inner products, best first, to about half precision.
  /// @param probe a unit vector. @param count 1..kMost. @param best `count` rows; -1 where there are no more.
  virtual const char* Best(const float* probe, std::size_t count, std::int64_t* best) const = 0;
};

}  // namespace visage
