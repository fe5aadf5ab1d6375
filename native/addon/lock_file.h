#pragma once

#include <napi.h>

namespace visage::addon {

Napi::Value LockFile(const Napi::CallbackInfo& info);

}  // namespace visage::addon
