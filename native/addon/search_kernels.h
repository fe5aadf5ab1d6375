#pragma once

#include <napi.h>

namespace visage::addon {

Napi::Value SearchKernelNames(const Napi::CallbackInfo& info);

}  // namespace visage::addon
