#pragma once

namespace visage::base {

/// Pauses a thread's work for a more urgent job.
class Yielder {
 public:
  virtual ~Yielder() = default;
  /// May block the calling thread.
  virtual void Yield() noexcept = 0;
};

/// Null if this thread's work never pauses.
inline constinit thread_local Yielder* yielder = nullptr;

/// Long work calls this at least every few milliseconds. It costs a nanosecond unless an urgent job waits.
inline void YieldPoint() noexcept {
  if (yielder != nullptr) yielder->Yield();
}

}  // namespace visage::base
