#pragma once

#include <napi.h>

#include <memory>

#include "pipeline/executor.h"
#include "search/background.h"

namespace visage::addon {

class ExecutorObject : public Napi::ObjectWrap<ExecutorObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  /// @throws Napi::TypeError unless given an Executor.
  static std::shared_ptr<pipeline::Executor> From(const Napi::Value& value);
  static std::shared_ptr<search::Background> BackgroundFrom(const Napi::Value& value);

  explicit ExecutorObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  static ExecutorObject& Of(const Napi::Value& value);

  std::shared_ptr<pipeline::Executor> executor_;
  std::shared_ptr<search::Background> background_;
};

}  // namespace visage::addon
