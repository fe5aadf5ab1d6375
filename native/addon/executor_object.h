#pragma once

#include <napi.h>

#include <memory>

#include "pipeline/executor.h"
#include "search/background.h"

namespace visage {

/// The class `Executor` of `src/native/executor.ts`.
class ExecutorObject : public Napi::ObjectWrap<ExecutorObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  /// The executor behind an argument. @throws Napi::TypeError if it is not one.
  static std::shared_ptr<Executor> From(const Napi::Value& value);
  /// Its threads for what can wait. @throws as From.
  static std::shared_ptr<Background> BackgroundFrom(const Napi::Value& value);

  explicit ExecutorObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  static ExecutorObject& Of(const Napi::Value& value);

  std::shared_ptr<Executor> executor_;
  std::shared_ptr<Background> background_;
};

}  // namespace visage
