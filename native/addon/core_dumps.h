#pragma once

#include <napi.h>

namespace visage::addon {

/// See `src/native/system.ts`.
Napi::Value ForbidCoreDumps(const Napi::CallbackInfo& info);

}  // namespace visage::addon
