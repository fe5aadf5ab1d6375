#pragma once

#include <napi.h>

namespace visage {

/// `lockFile(path)` of `src/native/system.ts`.
Napi::Value LockFile(const Napi::CallbackInfo& info);

}  // namespace visage
