#pragma once

#include <napi.h>

#include <exception>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "pipeline/executor.h"
#include "search/background.h"

namespace visage {

/// A value of JavaScript that says what went wrong: an Error with `code` where the failure has one.
Napi::Value FailureValue(Napi::Env env, const std::exception_ptr& failure);

/// One promise that is being worked for. Made, settled and destroyed on the JavaScript thread.
class Call {
 public:
  /// @param kept objects whose memory the work borrows.
  Call(Napi::Env env, std::vector<Napi::Object> kept);
  virtual ~Call() = default;

  Napi::Promise promise() const { return deferred_.Promise(); }
  /// Whether the work reads memory of a buffer, through one of the kept objects.
  bool Borrows(const Napi::ArrayBuffer& buffer) const;
  /// Does the work, on any thread. Keeps a failure for Settle.
  void Perform() noexcept;
  /// Resolves or rejects the promise, on the JavaScript thread.
  void Settle(Napi::Env env);

 protected:
  virtual void Work() = 0;
  virtual Napi::Value Result(Napi::Env env) = 0;

 private:
  Napi::Promise::Deferred deferred_;
  std::vector<Napi::ObjectReference> kept_;
  std::exception_ptr failure_;
};

/// What the addon holds for one JavaScript environment (the main thread or a worker thread), and the way back
/// from the executors' threads to it. Methods are for its JavaScript thread but `Finish`.
class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  /// Makes sure that no thread of the executor and of its background is left when the environment goes, and
  /// that this thread gets a core beside them.
  void Watch(const std::shared_ptr<Executor>& executor, const std::shared_ptr<Background>& background);

  /// Holds a call until it is settled. The environment keeps the process alive meanwhile.
  Call& Hold(std::unique_ptr<Call> call);

  /// Whether a call that is not settled reads memory of a buffer.
  bool Borrows(const Napi::ArrayBuffer& buffer) const;

  /// Has a held call settled soon. From any thread, as the last thing that is done with the call there.
  void Finish(Call& call);

  /// The class `Executor` of JavaScript.
  Napi::FunctionReference executor_class;

 private:
  static void SettleFinished(Napi::Env env, Napi::Function, Environment* environment, void*);
  using Wakeup = Napi::TypedThreadSafeFunction<Environment, void, SettleFinished>;

  void StopThreads();

  Napi::Env env_;
  Wakeup wakeup_;
  std::unordered_map<Call*, std::unique_ptr<Call>> held_;
  struct Watched {
    std::weak_ptr<Executor> executor;
    std::weak_ptr<Background> background;
  };
  std::vector<Watched> watched_;
  std::mutex mutex_;
  std::vector<Call*> finished_;
};

}  // namespace visage
