#pragma once

#include <napi.h>

namespace visage::addon {

Napi::Value ReleaseBytes(const Napi::CallbackInfo& info);

}  // namespace visage::addon
