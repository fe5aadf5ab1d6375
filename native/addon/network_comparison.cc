#include "addon/network_comparison.h"

#include "addon/arguments.h"
#include "addon/device_options.h"
#include "addon/executor_object.h"
#include "addon/start.h"
#include "runtime/comparison.h"

namespace visage::addon {

Napi::Value CompareNetworks(const Napi::CallbackInfo& info) {
  const std::shared_ptr<pipeline::Executor> executor = ExecutorObject::From(info[0]);
  const auto inputs = Floats(info[3], "inputs");
  runtime::Network changed = {Text(info[2], "changed"), ParseDevice(info[4])};
  runtime::InferenceSession::Shape shape;
  if (!info[5].IsUndefined()) {
    for (const std::int64_t side : Labels(info[5], "shape")) shape.push_back(side);
  }
  return StartCall(
      info.Env(), executor, pipeline::Admission::kAlways, {info[3].As<Napi::Object>()},
      [original = Text(info[1], "original"), changed = std::move(changed), inputs, shape = std::move(shape)] {
        return runtime::Compare(original, changed, inputs, shape);
      },
      [](Napi::Env env, const runtime::Comparison& comparison) -> Napi::Value {
        Napi::Object value = Napi::Object::New(env);
        value.Set("cosine", comparison.cosine);
        value.Set("difference", comparison.difference);
        value.Set("originalMs", comparison.original_ms);
        value.Set("changedMs", comparison.changed_ms);
        return value;
      });
}

Napi::Value RuntimeVersionText(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), runtime::RuntimeVersion());
}

}  // namespace visage::addon
