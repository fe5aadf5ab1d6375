#pragma once

namespace visage::base {

class Yielder {
 public:
  virtual ~Yielder() = default;
  /// May block.
  virtual void Yield() noexcept = 0;
};

/// Null if this thread never pauses.
inline constinit thread_local Yielder* yielder = nullptr;

/// Long work calls this every few milliseconds.
inline void YieldPoint() noexcept {
  if (yielder != nullptr) yielder->Yield();
}

}  // namespace visage::base
