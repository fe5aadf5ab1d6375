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

namespace visage::runtime {

struct DeviceImage;

/// Builds network inputs. Thread-safe. All work, including ONNX Runtime's, runs in order on one stream, so
/// freed memory is reusable at once.
class Accelerator {
 public:
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

  /// Once per process; compares the library's inputs with the CPU's. @throws kInternal
  static Accelerator& Load(const std::string& library);

  const char* memory_name() const { return calls_.memory_name(); }
  void* stream() const { return calls_.stream(); }

  /// The caller may free `image` at once. @returns `nullopt` if memory runs out.
  std::optional<DeviceImage> Upload(const base::ImageView& image);
  /// @throws kInternal if memory runs out.
  Memory Floats(std::size_t count);
  /// Queued. @param image must live until the run ends. @throws kInternal
  void Make(const DeviceImage& image, const base::Framing& framing, const base::NetworkInput& input,
            float* out);
  /// Queued. @param values must not change until the run ends. @throws kInternal
  void CopyIn(std::span<const float> values, float* out);
  /// Call after queueing work and before the run.
  void Ready();
  /// Waits for all queued work. Call after a failure, before freeing inputs.
  void Settle() noexcept;
  /// Waits for all queued work. @throws kInternal
  std::vector<float> CopyOut(const float* from, std::size_t count);

 private:
  struct Pinned {
    void* data = nullptr;
    std::size_t size = 0;
    void* event = nullptr;
  };

  explicit Accelerator(base::DeviceCalls& calls) : calls_(calls) {}

  std::optional<Memory> Take(std::size_t size);
  void GiveBack(void* data, std::size_t size);
  std::optional<Pinned> TakePinned(std::size_t size);
  void GiveBackPinned(const Pinned& pinned);
  /// @throws kInternal if an input differs.
  void CompareWithCpu();
  void ThrowOnError(int code, const char* what) const;

  base::DeviceCalls& calls_;
  std::mutex mutex_;
  std::multimap<std::size_t, void*> stock_;
  std::size_t stock_bytes_ = 0;
  std::vector<Pinned> pinned_;
};

struct DeviceImage {
  Accelerator::Memory memory;
  base::ImageView view;
};

struct SourceImage : base::ImageView {
  // NOLINTNEXTLINE(google-explicit-constructor): host images convert implicitly.
  SourceImage(const base::ImageView& image) : base::ImageView(image) {}
  SourceImage(const base::ImageView& image, Accelerator* accelerator);

  std::shared_ptr<const DeviceImage> on_device;
};

}  // namespace visage::runtime
