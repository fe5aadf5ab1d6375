#pragma once

#include <cstdint>
#include <functional>

namespace visage::decode {

/// Runs `decode`, a library's call that cannot pause, on a thread of low priority, and waits for it. Images of
/// few pixels stay on this thread. @throws what `decode` throws.
void RunAside(std::int64_t pixels, const std::function<void()>& decode);

}  // namespace visage::decode
