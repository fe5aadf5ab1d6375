#pragma once

#include <napi.h>

namespace visage {

/// `lockFile(path)` of `src/native.ts`.
Napi::Value LockFile(const Napi::CallbackInfo& info);

}  // namespace visage
