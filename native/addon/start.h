#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "addon/environment.h"
#include "pipeline/executor.h"

namespace visage {

/// A call that is made of two functions: `Result work()`, for a thread of the executor, and
/// `Napi::Value convert(Napi::Env, Result&)`, for the JavaScript thread.
template <typename WorkFunction, typename ConvertFunction>
class ExecutorCall : public Call {
 public:
  ExecutorCall(Napi::Env env, std::shared_ptr<Executor> executor, std::vector<Napi::Object> kept,
               WorkFunction work, ConvertFunction convert)
      : Call(env, std::move(kept)),
        executor_(std::move(executor)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

 protected:
  void Work() override { result_.emplace(work_()); }
  Napi::Value Result(Napi::Env env) override { return convert_(env, *result_); }

 private:
  /// Lives at least as long as its work.
  std::shared_ptr<Executor> executor_;
  WorkFunction work_;
  ConvertFunction convert_;
  std::optional<std::invoke_result_t<WorkFunction>> result_;
};

/// Has work done by an executor. `work` must not use JavaScript, `convert` is where its result becomes a
/// value.
/// @param kept objects whose memory `work` borrows.
/// @param hand_over takes the admitted job and what is to be done after it to the executor's `Start`.
/// @returns the promise; already rejected with OVERLOADED or NOT_READY where the executor refuses the work.
template <typename HandOver, typename WorkFunction, typename ConvertFunction>
Napi::Promise StartCall(Napi::Env env, const std::shared_ptr<Executor>& executor, Admission admission,
                        std::vector<Napi::Object> kept, HandOver hand_over, WorkFunction work,
                        ConvertFunction convert) {
  try {
    executor->Admit(admission);
  } catch (const std::exception&) {
    const auto refused = Napi::Promise::Deferred::New(env);
    refused.Reject(FailureValue(env, std::current_exception()));
    return refused.Promise();
  }
  Environment& environment = Environment::Of(env);
  Call& call = environment.Hold(std::make_unique<ExecutorCall<WorkFunction, ConvertFunction>>(
      env, executor, std::move(kept), std::move(work), std::move(convert)));
  const Napi::Promise promise = call.promise();
  hand_over([&call] { call.Perform(); }, [&environment, &call] { environment.Finish(call); });
  return promise;
}

/// The same for work that needs no order of its own.
template <typename WorkFunction, typename ConvertFunction>
Napi::Promise StartCall(Napi::Env env, const std::shared_ptr<Executor>& executor, Admission admission,
                        std::vector<Napi::Object> kept, WorkFunction work, ConvertFunction convert) {
  const auto hand_over = [&](Executor::Job job, Executor::Job done) {
    executor->Start(admission, std::move(job), std::move(done));
  };
  return StartCall(env, executor, admission, std::move(kept), hand_over, std::move(work), std::move(convert));
}

}  // namespace visage
