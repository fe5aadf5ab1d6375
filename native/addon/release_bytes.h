#pragma once

#include <napi.h>

namespace visage::addon {

/// See `src/native/memory.ts`.
Napi::Value ReleaseBytes(const Napi::CallbackInfo& info);

}  // namespace visage::addon
