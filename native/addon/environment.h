#pragma once

#include <napi.h>

#include <exception>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pipeline/executor.h"
#include "search/background.h"

namespace visage::addon {

Napi::Value FailureValue(Napi::Env env, const std::exception_ptr& failure);

/// The JavaScript thread creates, settles and destroys it.
class Call {
 public:
  /// @param kept objects whose memory the work borrows.
  Call(Napi::Env env, const std::vector<Napi::Object>& kept);
  virtual ~Call() = default;

  Napi::Promise promise() const { return deferred_.Promise(); }
  bool Borrows(const Napi::ArrayBuffer& buffer) const;
  /// Runs on any thread. @throws base::Deferred; then `Perform` runs again later.
  void Perform();
  void Fail(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }
  void Settle(Napi::Env env);

 protected:
  virtual void Work() = 0;
  virtual Napi::Value Result(Napi::Env env) = 0;

 private:
  Napi::Promise::Deferred deferred_;
  std::vector<Napi::ObjectReference> kept_;
  std::exception_ptr failure_;
};

/// One per JavaScript thread. Only `Finish` is thread-safe.
class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  void Watch(const std::shared_ptr<pipeline::Executor>& executor,
             const std::shared_ptr<search::Background>& background);

  /// Keeps the process alive until the call settles.
  Call& Hold(std::unique_ptr<Call> call);

  bool Borrows(const Napi::ArrayBuffer& buffer) const;

  /// Thread-safe. The thread must not use the call afterwards.
  void Finish(Call& call);

  Napi::FunctionReference executor_class;
  Napi::FunctionReference space_class;

 private:
  static void SettleFinished(Napi::Env env, Napi::Function, Environment* environment, void*);
  using Wakeup = Napi::TypedThreadSafeFunction<Environment, void, SettleFinished>;

  void StopThreads();

  Napi::Env env_;
  Wakeup wakeup_;
  std::unordered_map<Call*, std::unique_ptr<Call>> held_;
  struct Watched {
    std::weak_ptr<pipeline::Executor> executor;
    std::weak_ptr<search::Background> background;
  };
  std::vector<Watched> watched_;
  std::mutex mutex_;
  std::vector<Call*> finished_;
};

}  // namespace visage::addon
