#pragma once

#include <napi.h>

namespace visage {

/// `searchKernels()` of `src/native/gallery-index.ts`.
Napi::Value SearchKernelNames(const Napi::CallbackInfo& info);

/// `kernelProducts(kernel, probe, rows)` of `src/native/gallery-index.ts`.
Napi::Value KernelProducts(const Napi::CallbackInfo& info);

}  // namespace visage
