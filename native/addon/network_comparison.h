#pragma once

#include <napi.h>

namespace visage {

/// `compareNetworks(executor, original, changed, inputs, device, shape)` of `src/native/networks.ts`.
Napi::Value CompareNetworks(const Napi::CallbackInfo& info);

/// `runtimeVersion()` of `src/native/networks.ts`.
Napi::Value RuntimeVersionText(const Napi::CallbackInfo& info);

}  // namespace visage
