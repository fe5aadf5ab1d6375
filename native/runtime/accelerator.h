#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/device_calls.h"
#include "base/framing.h"
#include "base/image.h"
#include "base/network_input.h"

namespace visage {

struct DeviceImage;

/// A GPU's memory, in which inputs of networks are made out of pictures that lie there. Thread-safe.
///
/// Everything is queued on one stream, which ONNX Runtime runs the networks on too. So memory that is given
/// back while work with it is still queued may be taken again at once: what its next owner queues happens
/// after that.
class Accelerator {
 public:
  /// Memory of the GPU, given back to the accelerator's stock at the end.
  class Memory {
   public:
    Memory(Memory&& other) noexcept;
    Memory& operator=(Memory&&) = delete;
    ~Memory();

    float* floats() const { return static_cast<float*>(data_); }
    std::uint8_t* bytes() const { return static_cast<std::uint8_t*>(data_); }

   private:
    friend Accelerator;
    Memory(Accelerator& owner, void* data, std::size_t size) : owner_(&owner), data_(data), size_(size) {}

    Accelerator* owner_;
    void* data_;
    std::size_t size_;
  };

  /// The accelerator of a library with `DeviceCalls::kFactory`: one a process, which is never destroyed. When
  /// it is loaded, inputs that it makes are compared with the CPU's.
  /// @throws Error kInternal with a sentence for the operator.
  static Accelerator& Load(const std::string& library);

  /// `DeviceCalls::memory_name`.
  const char* memory_name() const { return calls_.memory_name(); }
  /// `DeviceCalls::stream`.
  void* stream() const { return calls_.stream(); }

  /// Queues the copy of a picture into the GPU's memory; `image` may be gone when this returns.
  /// @returns nothing where memory, of the GPU or pinned, is short.
  std::optional<DeviceImage> Upload(const ImageView& image);
  /// @param count floats. @throws Error kInternal where memory is short.
  Memory Floats(std::size_t count);
  /// Queues the making of a network's input, `input.size()` floats. @param image must live until the run has
  /// ended.
  /// @throws Error kInternal
  void Make(const DeviceImage& image, const Framing& framing, const NetworkInput& input, float* out);
  /// Queues a copy into the GPU's memory. @param values must stay as they are until the run has ended.
  /// @throws Error kInternal
  void CopyIn(std::span<const float> values, float* out);
  /// To be called between what is queued for a run and the run.
  void Ready();
  /// Waits for everything that is queued, so that what it reads may go. For the way out of a failure: throws
  /// nothing.
  void Settle() noexcept;
  /// What a `Memory` holds, as soon as all that is queued is done. @throws Error kInternal
  std::vector<float> CopyOut(const float* from, std::size_t count);

 private:
  /// Pinned memory of the host, and when the GPU has read it.
  struct Pinned {
    void* data = nullptr;
    std::size_t size = 0;
    void* mark = nullptr;
  };

  explicit Accelerator(DeviceCalls& calls) : calls_(calls) {}

  std::optional<Memory> Take(std::size_t size);
  void GiveBack(void* data, std::size_t size);
  std::optional<Pinned> TakePinned(std::size_t size);
  void GiveBackPinned(const Pinned& pinned);
  /// @throws Error kInternal where an input is not what the CPU path makes.
  void CompareWithCpu();
  void Must(int code, const char* what) const;

  DeviceCalls& calls_;
  std::mutex mutex_;
  /// What is not in use, by size.
  std::multimap<std::size_t, void*> stock_;
  std::size_t stock_bytes_ = 0;
  std::vector<Pinned> pinned_;
};

/// A picture in the GPU's memory, its rows without padding.
struct DeviceImage {
  Accelerator::Memory memory;
  ImageView view;
};

/// A picture, and where it lies besides the host's memory.
struct Picture : ImageView {
  /// On the host alone.
  Picture(const ImageView& image) : ImageView(image) {}  // NOLINT(google-explicit-constructor)
  /// Also in an accelerator's memory where there is one with room for it, so that networks' inputs are made
  /// there.
  Picture(const ImageView& image, Accelerator* accelerator);

  /// Nothing where it is on the host alone.
  std::shared_ptr<const DeviceImage> on_device;
};

}  // namespace visage
