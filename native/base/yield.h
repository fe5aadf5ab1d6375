#pragma once

namespace visage::base {

/// Pauses work for a more urgent job.
class Yielder {
 public:
  virtual ~Yielder() = default;
  /// May block.
  virtual void Yield() noexcept = 0;
};

/// Null if this thread never pauses.
inline constinit thread_local Yielder* yielder = nullptr;

/// Long work calls this every few milliseconds. It costs a nanosecond unless an urgent job waits.
inline void YieldPoint() noexcept {
  if (yielder != nullptr) yielder->Yield();
}

}  // namespace visage::base
