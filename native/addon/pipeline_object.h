#pragma once

#include <napi.h>

namespace visage::addon {

Napi::Value LoadPipeline(const Napi::CallbackInfo& info);

Napi::Value DecodeImage(const Napi::CallbackInfo& info);

}  // namespace visage::addon
