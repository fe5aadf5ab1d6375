#include "addon/environment.h"

#include <algorithm>

#include "addon/prompt_thread.h"
#include "base/error.h"
#include "base/yield.h"

namespace visage::addon {

Napi::Value FailureValue(Napi::Env env, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const base::Error& error) {
    Napi::Object value = Napi::Error::New(env, error.what()).Value();
    value.Set("code", base::Name(error.code()));
    return value;
  } catch (const Napi::Error& error) {
    return error.Value();
  } catch (const std::exception& error) {
    return Napi::Error::New(env, error.what()).Value();
  }
}

Call::Call(Napi::Env env, const std::vector<Napi::Object>& kept)
    : deferred_(Napi::Promise::Deferred::New(env)) {
  for (const Napi::Object& object : kept) kept_.push_back(Napi::Persistent(object));
}

bool Call::Borrows(const Napi::ArrayBuffer& buffer) const {
  return std::ranges::any_of(kept_, [&](const Napi::ObjectReference& reference) {
    const Napi::Object object = reference.Value();
    return object.IsTypedArray() && object.As<Napi::TypedArray>().ArrayBuffer().StrictEquals(buffer);
  });
}

void Call::Perform() {
  try {
    Work();
  } catch (const base::Deferred&) {
    throw;
  } catch (...) {
    failure_ = std::current_exception();
  }
}

void Call::Settle(Napi::Env env) {
  if (!failure_) {
    try {
      deferred_.Resolve(Result(env));
      return;
    } catch (...) {
      failure_ = std::current_exception();
    }
  }
  deferred_.Reject(FailureValue(env, failure_));
}

Environment::Environment(Napi::Env env) : env_(env), wakeup_(Wakeup::New(env, "visage", 0, 1, this)) {
  wakeup_.Unref(env);
  // No thread uses `wakeup_` after this.
  env.AddCleanupHook([](Environment* self) { self->StopThreads(); }, this);
  // process.exit() skips the hook and unloads libraries under running threads.
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  process.Get("once").As<Napi::Function>().Call(
      process, {Napi::String::New(env, "exit"),
                Napi::Function::New(env, [this](const Napi::CallbackInfo&) { StopThreads(); })});
}

Environment::~Environment() { executor_class.SuppressDestruct(); }

void Environment::Watch(const std::shared_ptr<pipeline::Executor>& executor,
                        const std::shared_ptr<search::Background>& background) {
  AskForShortTurns();
  std::erase_if(watched_,
                [](const Watched& known) { return known.executor.expired() && known.background.expired(); });
  watched_.push_back({executor, background});
}

void Environment::StopThreads() {
  for (const Watched& known : watched_) {
    if (const std::shared_ptr<pipeline::Executor> executor = known.executor.lock()) executor->Abandon();
    if (const std::shared_ptr<search::Background> background = known.background.lock()) background->Stop();
  }
  held_.clear();
  finished_.clear();
}

Call& Environment::Hold(std::unique_ptr<Call> call) {
  if (held_.empty()) wakeup_.Ref(env_);
  Call& held = *call;
  held_.emplace(&held, std::move(call));
  return held;
}

bool Environment::Borrows(const Napi::ArrayBuffer& buffer) const {
  return std::ranges::any_of(held_, [&](const auto& held) { return held.second->Borrows(buffer); });
}

void Environment::Finish(Call& call) {
  bool is_first;
  {
    const std::lock_guard lock(mutex_);
    is_first = finished_.empty();
    finished_.push_back(&call);
  }
  // Not under the lock, which the JavaScript thread may take at once.
  if (is_first) wakeup_.NonBlockingCall();
}

void Environment::SettleFinished(Napi::Env env, Napi::Function, Environment* environment, void*) {
  if (env == nullptr) return;
  std::vector<Call*> finished;
  {
    const std::lock_guard lock(environment->mutex_);
    finished.swap(environment->finished_);
  }
  for (Call* call : finished) {
    const auto held = environment->held_.extract(call);
    if (!held.empty()) held.mapped()->Settle(env);
  }
  if (environment->held_.empty()) environment->wakeup_.Unref(env);
}

}  // namespace visage::addon
