#pragma once

namespace visage::addon {

/// Linux 6.12 and later runs this thread as soon as it wakes. Older kernels and sandboxes ignore the request;
/// child threads do not inherit it.
void AskForShortTurns();

}  // namespace visage::addon
