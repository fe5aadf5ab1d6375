#include "addon/release_bytes.h"

#include "addon/arguments.h"
#include "addon/environment.h"

namespace visage::addon {

Napi::Value ReleaseBytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto bytes = Bytes(info[0], "bytes");
  Napi::ArrayBuffer buffer = info[0].As<Napi::Uint8Array>().ArrayBuffer();
  const bool is_whole = bytes.size() > 0 && bytes.size() == buffer.ByteLength();
  if (!is_whole || Environment::Of(env).Borrows(buffer)) return Napi::Boolean::New(env, false);
  buffer.Detach();
  return Napi::Boolean::New(env, true);
}

}  // namespace visage::addon
