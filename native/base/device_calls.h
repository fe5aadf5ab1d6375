#pragma once

#include <cstddef>

#include "base/framing.h"
#include "base/image.h"
#include "base/network_input.h"

namespace visage {

/// What is asked of a GPU beside running networks: memory, copies, and making inputs of networks there.
///
/// Implemented on CUDA by `cuda/device.cu`, a library of its own, so that a build without CUDA is the same
/// one. What is *queued* happens later, in the order of the calls, on one stream. Thread-safe. An int is an
/// error's code, 0 for none; nothing is thrown.
class DeviceCalls {
 public:
  /// Name of the library's one function, which gives an object that lives as long as the process. To be
  /// changed with anything that both sides are compiled with: this file and the types that it names.
  static constexpr const char* kFactory = "visage_device_calls_1";
  using Factory = DeviceCalls* (*)();

  /// Takes hold of the GPU. Called before everything else but `Describe`; again only where it failed.
  virtual int Open() = 0;
  /// An error's code in words.
  virtual const char* Describe(int code) const = 0;
  /// What ONNX Runtime calls the memory that `Allocate` gives: `Cuda`, or `Cpu`.
  virtual const char* memory_name() const = 0;
  /// The stream for ONNX Runtime to run networks on (`user_compute_stream`), after what was queued before;
  /// null where it cannot, so that what is queued must be waited for first.
  virtual void* stream() const = 0;

  virtual int Allocate(std::size_t size, void** memory) = 0;
  /// Waits for everything that is queued.
  virtual void Free(void* memory) = 0;
  /// Memory of the host that the GPU reads by itself: pinned.
  virtual int AllocatePinned(std::size_t size, void** memory) = 0;
  virtual void FreePinned(void* memory) = 0;

  /// Queued. @param from must stay as it is until then.
  virtual int CopyIn(void* to, const void* from, std::size_t size) = 0;
  /// Waits for everything that is queued, then copies.
  virtual int CopyOut(void* to, const void* from, std::size_t size) = 0;
  /// Queued: fills a network's input with what a framing shows of a picture.
  /// @param image, out in the GPU's memory; `out` has `input.size()` floats.
  virtual int MakeInput(const ImageView& image, const Framing& framing, const NetworkInput& input,
                        float* out) = 0;

  /// Waits for everything that is queued.
  virtual int Wait() = 0;
  /// A place in the queue. Lives as long as the process.
  virtual int NewMark(void** mark) = 0;
  /// Puts a mark behind what is queued by now.
  virtual int SetMark(void* mark) = 0;
  /// Waits for what was queued before a mark was last set; not at all for one that never was.
  virtual int WaitFor(void* mark) = 0;

 protected:
  ~DeviceCalls() = default;
};

}  // namespace visage
