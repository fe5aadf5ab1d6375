#include "addon/device_options.h"

#include "addon/arguments.h"
#include "base/error.h"

namespace visage::addon {
namespace {

constexpr int kMostBatch = 64;
constexpr int kMostDelay = 1000;
constexpr std::int64_t kMostMemory = std::int64_t{1} << 40;

runtime::Provider ParseProvider(const Napi::Value& value) {
  const std::string name = Text(value, "device.provider");
  if (name == "cpu") return runtime::Provider::kCpu;
  if (name == "cuda") return runtime::Provider::kCuda;
  if (name == "tensorrt") return runtime::Provider::kTensorRt;
  throw Napi::TypeError::New(value.Env(), "device.provider must be cpu, cuda or tensorrt");
}

}  // namespace

runtime::Device ParseDevice(const Napi::Value& value) {
  if (value.IsUndefined()) return {};
  const Napi::Object device = Object(value, "device");
  const Napi::Value library = device.Get("inputLibrary");
  return {
      .provider = ParseProvider(device.Get("provider")),
      .max_batch = static_cast<int>(WholeNumber(device.Get("maxBatch"), "device.maxBatch", 1, kMostBatch)),
      .max_delay = std::chrono::milliseconds(
          WholeNumber(device.Get("maxDelayMs"), "device.maxDelayMs", 0, kMostDelay)),
      .memory_limit = static_cast<std::size_t>(
          WholeNumber(device.Get("memoryLimit"), "device.memoryLimit", 0, kMostMemory)),
      .input_library = library.IsUndefined() ? std::string() : Text(library, "device.inputLibrary")};
}

Napi::Value WhyUnavailableText(const Napi::CallbackInfo& info) {
  const std::string why = runtime::WhyUnavailable(ParseProvider(info[0]));
  return why.empty() ? info.Env().Null() : Napi::String::New(info.Env(), why);
}

Napi::Value WhyInputsUnavailableText(const Napi::CallbackInfo& info) {
  try {
    runtime::AcceleratorOf({.input_library = Text(info[0], "library")});
    return info.Env().Null();
  } catch (const base::Error& error) {
    return Napi::String::New(info.Env(), error.what());
  }
}

}  // namespace visage::addon
