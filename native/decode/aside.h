#pragma once

#include <cstdint>
#include <functional>

namespace visage::decode {

/// Runs `decode`, a library's call that cannot pause, on a low-priority thread, and waits. Small images stay
/// on this thread. @throws as `decode`.
void RunAside(std::int64_t pixels, const std::function<void()>& decode);

}  // namespace visage::decode
