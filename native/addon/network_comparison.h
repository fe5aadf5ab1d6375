#pragma once

#include <napi.h>

namespace visage::addon {

Napi::Value CompareNetworks(const Napi::CallbackInfo& info);

Napi::Value RuntimeVersionText(const Napi::CallbackInfo& info);

}  // namespace visage::addon
