#pragma once

#include <napi.h>

namespace visage::addon {

Napi::Value SendDatagram(const Napi::CallbackInfo& info);

}  // namespace visage::addon
