#pragma once

#include <napi.h>

namespace visage {

/// `releaseBytes(bytes)` of `src/native/memory.ts`.
Napi::Value ReleaseBytes(const Napi::CallbackInfo& info);

}  // namespace visage
