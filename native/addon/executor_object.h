#pragma once

#include <napi.h>

#include <memory>

#include "pipeline/executor.h"

namespace visage {

/// The class `Executor` of `src/native.ts`.
class ExecutorObject : public Napi::ObjectWrap<ExecutorObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  /// The executor behind an argument. @throws Napi::TypeError if it is not one.
  static std::shared_ptr<Executor> From(const Napi::Value& value);

  explicit ExecutorObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  std::shared_ptr<Executor> executor_;
};

}  // namespace visage
