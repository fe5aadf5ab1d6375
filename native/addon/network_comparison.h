#pragma once

#include <napi.h>

namespace visage::addon {

/// See `src/native/networks.ts`.
Napi::Value CompareNetworks(const Napi::CallbackInfo& info);

/// See `src/native/networks.ts`.
Napi::Value RuntimeVersionText(const Napi::CallbackInfo& info);

}  // namespace visage::addon
