#pragma once

#include <napi.h>

namespace visage {

/// `sendDatagram(socket, text)` of `src/native/system.ts`.
Napi::Value SendDatagram(const Napi::CallbackInfo& info);

}  // namespace visage
