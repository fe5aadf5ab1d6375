#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "addon/environment.h"
#include "pipeline/executor.h"

namespace visage::addon {

/// `Result work()` runs on an executor's thread, `Napi::Value convert(Napi::Env, Result&)` on the JavaScript
/// thread.
template <typename WorkFunction, typename ConvertFunction>
class ExecutorCall : public Call {
 public:
  ExecutorCall(Napi::Env env, std::shared_ptr<pipeline::Executor> executor,
               const std::vector<Napi::Object>& kept, WorkFunction work, ConvertFunction convert)
      : Call(env, kept),
        executor_(std::move(executor)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

 protected:
  void Work() override { result_.emplace(work_()); }
  Napi::Value Result(Napi::Env env) override { return convert_(env, *result_); }

 private:
  std::shared_ptr<pipeline::Executor> executor_;
  WorkFunction work_;
  ConvertFunction convert_;
  std::optional<std::invoke_result_t<WorkFunction>> result_;
};

/// `work` must not use JavaScript. @param kept as in Call. @param hand_over passes the held call to the
/// executor; its exception rejects the promise.
template <typename HandOver, typename WorkFunction, typename ConvertFunction>
Napi::Promise HoldCall(Napi::Env env, const std::shared_ptr<pipeline::Executor>& executor,
                       std::vector<Napi::Object> kept, HandOver hand_over, WorkFunction work,
                       ConvertFunction convert) {
  Environment& environment = Environment::Of(env);
  Call& call = environment.Hold(std::make_unique<ExecutorCall<WorkFunction, ConvertFunction>>(
      env, executor, kept, std::move(work), std::move(convert)));
  const Napi::Promise promise = call.promise();
  try {
    hand_over(call, [&environment, &call] { environment.Finish(call); });
  } catch (const std::exception&) {
    call.Fail(std::current_exception());
    environment.Finish(call);
  }
  return promise;
}

/// A full or closed executor rejects the promise.
template <typename WorkFunction, typename ConvertFunction>
Napi::Promise SubmitCall(Napi::Env env, const std::shared_ptr<pipeline::Executor>& executor,
                         const pipeline::Tenant& tenant, std::vector<Napi::Object> kept, WorkFunction work,
                         ConvertFunction convert) {
  const auto hand_over = [&](Call& call, const pipeline::Executor::Job& done) {
    executor->Submit(tenant, {.run = [&call] { call.Perform(); },
                              .refuse = [&call](std::exception_ptr why) { call.Fail(std::move(why)); },
                              .done = done});
  };
  return HoldCall(env, executor, std::move(kept), hand_over, std::move(work), std::move(convert));
}

template <typename HandOver, typename WorkFunction, typename ConvertFunction>
Napi::Promise StartCall(Napi::Env env, const std::shared_ptr<pipeline::Executor>& executor,
                        std::vector<Napi::Object> kept, HandOver hand_over, WorkFunction work,
                        ConvertFunction convert) {
  const auto admit = [&](Call& call, pipeline::Executor::Job done) {
    executor->Admit();
    hand_over([&call] { call.Perform(); }, std::move(done));
  };
  return HoldCall(env, executor, std::move(kept), admit, std::move(work), std::move(convert));
}

template <typename WorkFunction, typename ConvertFunction>
Napi::Promise StartCall(Napi::Env env, const std::shared_ptr<pipeline::Executor>& executor,
                        pipeline::Admission admission, std::vector<Napi::Object> kept, WorkFunction work,
                        ConvertFunction convert) {
  const auto hand_over = [&](pipeline::Executor::Job job, pipeline::Executor::Job done) {
    executor->Start(admission, std::move(job), std::move(done));
  };
  return StartCall(env, executor, std::move(kept), hand_over, std::move(work), std::move(convert));
}

}  // namespace visage::addon
