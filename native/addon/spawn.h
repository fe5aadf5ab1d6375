#pragma once

#include <napi.h>

namespace visage::addon {

/// `posix_spawn` shares the memory until the program starts; `fork` would copy this process's page tables.
Napi::Value SpawnProgram(const Napi::CallbackInfo& info);

/// Undefined while the program runs; its code, or null after a signal. Call it no more after the end.
Napi::Value ExitOf(const Napi::CallbackInfo& info);

}  // namespace visage::addon
