/// `DeviceCalls` on the host, for tests without a GPU. Queued work runs as late as possible and freed memory
/// is overwritten, so a missing wait shows. VISAGE_DEVICE_FAULT makes it fail: `open`, `memory`, `pinned`,
/// `input`, `pixels`.
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <variant>

#include "base/device_calls.h"
#include "base/framed_pixel.h"

namespace visage::test {
namespace {

bool Fails(const char* what) {
  const char* fault = std::getenv("VISAGE_DEVICE_FAULT");
  return fault && std::strstr(fault, what);
}

class HostDevice final : public base::DeviceCalls {
 public:
  int Open() override { return Fails("open") ? 1 : 0; }
  const char* Describe(int) const override { return "as it was told"; }
  const char* memory_name() const override { return "Cpu"; }
  void* stream() const override { return nullptr; }

  int Allocate(std::size_t size, void** memory) override { return Fails("memory") ? 1 : New(size, memory); }
  void Free(void* memory) override {
    Wait();
    Drop(memory);
  }
  int AllocatePinned(std::size_t size, void** memory) override {
    return Fails("pinned") ? 1 : New(size, memory);
  }
  void FreePinned(void* memory) override { Drop(memory); }

  int CopyIn(void* to, const void* from, std::size_t size) override {
    return Queue([=] { std::memcpy(to, from, size); });
  }
  int CopyOut(void* to, const void* from, std::size_t size) override {
    Wait();
    std::memcpy(to, from, size);
    return 0;
  }
  int MakeInput(const base::ImageView& image, const base::Framing& framing, const base::NetworkInput& input,
                float* out) override {
    if (Fails("input")) return 1;
    const bool is_wrong = Fails("pixels");
    return Queue([=] {
      const base::Size size{input.width, input.height};
      const base::PlaneWriter writer(input, out);
      for (int y = 0; y < size.height; ++y) {
        for (int x = 0; x < size.width; ++x) {
          if (const base::Resized* resized = std::get_if<base::Resized>(&framing)) {
            base::WriteResized(image, *resized, size, writer, x, y);
          } else {
            base::WriteWarped(image, *std::get_if<base::Warped>(&framing), size, writer, x, y);
          }
        }
      }
      if (is_wrong) out[input.size() / 2] += 1;
    });
  }

  int Wait() override {
    const std::lock_guard lock(mutex_);
    return WorkUntil(queued_);
  }
  int CreateEvent(void** event) override {
    *event = new std::size_t(0);
    return 0;
  }
  int RecordEvent(void* event) override {
    const std::lock_guard lock(mutex_);
    *static_cast<std::size_t*>(event) = queued_;
    return 0;
  }
  int WaitForEvent(void* event) override {
    const std::lock_guard lock(mutex_);
    return WorkUntil(*static_cast<std::size_t*>(event));
  }

 private:
  int Queue(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    ++queued_;
    return 0;
  }
  int WorkUntil(std::size_t count) {
    for (; done_ < count; ++done_) {
      queue_.front()();
      queue_.pop_front();
    }
    return 0;
  }

  int New(std::size_t size, void** memory) {
    *memory = std::malloc(size);
    if (!*memory) return 1;
    std::memset(*memory, 0xA5, size);
    const std::lock_guard lock(mutex_);
    sizes_[*memory] = size;
    return 0;
  }
  void Drop(void* memory) {
    const std::lock_guard lock(mutex_);
    const auto found = sizes_.find(memory);
    std::memset(memory, 0x5A, found->second);
    sizes_.erase(found);
    std::free(memory);
  }

  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
  std::size_t queued_ = 0;
  std::size_t done_ = 0;
  std::map<void*, std::size_t> sizes_;
};

}  // namespace
}  // namespace visage::test

extern "C" __attribute__((visibility("default"))) visage::base::DeviceCalls* visage_device_calls_1() {
  static visage::test::HostDevice device;
  return &device;
}
