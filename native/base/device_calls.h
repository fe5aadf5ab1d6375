#pragma once

#include <cstddef>

#include "base/framing.h"
#include "base/image.h"
#include "base/network_input.h"

namespace visage::base {

/// `cuda/device.cu` implements this. Queued calls run in order on one stream. An int is an error code, 0 for
/// success. Thread-safe; throws nothing.
class DeviceCalls {
 public:
  /// The exported function; its object is never freed. Increment the number with each interface change.
  static constexpr const char* kFactory = "visage_device_calls_1";
  using Factory = DeviceCalls* (*)();

  /// Call first; call again only after a failure.
  virtual int Open() = 0;
  virtual const char* Describe(int code) const = 0;
  /// `Cuda` or `Cpu`.
  virtual const char* memory_name() const = 0;
  /// ONNX Runtime's `user_compute_stream`; null if the caller must `Wait` instead.
  virtual void* stream() const = 0;

  virtual int Allocate(std::size_t size, void** memory) = 0;
  virtual void Free(void* memory) = 0;
  virtual int AllocatePinned(std::size_t size, void** memory) = 0;
  virtual void FreePinned(void* memory) = 0;

  /// Queued. @param from must not change until the copy ends.
  virtual int CopyIn(void* to, const void* from, std::size_t size) = 0;
  /// Waits for all queued work.
  virtual int CopyOut(void* to, const void* from, std::size_t size) = 0;
  /// Queued. @param image, out in GPU memory.
  virtual int MakeInput(const ImageView& image, const Framing& framing, const NetworkInput& input,
                        float* out) = 0;

  virtual int Wait() = 0;
  virtual int CreateEvent(void** event) = 0;
  virtual int RecordEvent(void* event) = 0;
  /// Waits for the work before the last `RecordEvent`, if any.
  virtual int WaitForEvent(void* event) = 0;

 protected:
  ~DeviceCalls() = default;
};

}  // namespace visage::base
