#pragma once

#include <napi.h>

namespace visage::addon {

Napi::Value ForbidCoreDumps(const Napi::CallbackInfo& info);

}  // namespace visage::addon
