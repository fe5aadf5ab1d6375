#pragma once

namespace visage {

/// Has the kernel run this thread as soon as it wakes, though others compute on every core: the thread that
/// answers requests needs little of a core, but at once. It asks for short turns, which Linux gives sooner
/// since 6.12; older kernels, and sandboxes that refuse it, change nothing. Threads that it starts do not
/// inherit it.
void AskForShortTurns();

}  // namespace visage
