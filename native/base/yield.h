#pragma once

namespace visage::base {

/// Ends a job that runs again from its beginning later.
struct Deferred {};

class Yielder {
 public:
  virtual ~Yielder() = default;
  /// May block.
  virtual void Yield() noexcept = 0;
  /// @throws Deferred.
  virtual void BeginIndivisible() = 0;
};

/// Null if this thread never pauses.
inline constinit thread_local Yielder* yielder = nullptr;

/// Long work calls this every few milliseconds.
inline void YieldPoint() noexcept {
  if (yielder != nullptr) yielder->Yield();
}

/// Call before long work without yield points. @throws Deferred if too many threads do such work.
inline void BeginIndivisible() {
  if (yielder != nullptr) yielder->BeginIndivisible();
}

}  // namespace visage::base
