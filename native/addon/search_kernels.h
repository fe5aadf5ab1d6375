#pragma once

#include <napi.h>

namespace visage::addon {

/// See `src/native/gallery-index.ts`.
Napi::Value SearchKernelNames(const Napi::CallbackInfo& info);

}  // namespace visage::addon
