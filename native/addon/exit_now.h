#pragma once

#include <napi.h>

namespace visage::addon {

Napi::Value ExitNow(const Napi::CallbackInfo& info);

}  // namespace visage::addon
