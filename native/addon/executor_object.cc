#include "addon/executor_object.h"

#include <algorithm>
#include <thread>

#include "addon/arguments.h"
#include "addon/environment.h"

namespace visage::addon {
namespace {

constexpr int kMostThreads = 256;
constexpr int kMostWaiting = 65536;
/// Memory bandwidth limits more threads.
constexpr unsigned kMostBackgroundThreads = 8;

class CloseCall : public Call {
 public:
  CloseCall(Napi::Env env, std::shared_ptr<pipeline::Executor> executor,
            std::shared_ptr<search::Background> background)
      : Call(env, {}), executor_(std::move(executor)), background_(std::move(background)) {}

 protected:
  void Work() override {}
  Napi::Value Result(Napi::Env env) override {
    executor_->Join();
    background_->Stop();
    return env.Undefined();
  }

 private:
  std::shared_ptr<pipeline::Executor> executor_;
  std::shared_ptr<search::Background> background_;
};

}  // namespace

Napi::Function ExecutorObject::Define(Napi::Env env) {
  return DefineClass(
      env, "Executor",
      {InstanceMethod<&ExecutorObject::Stats>("stats"), InstanceMethod<&ExecutorObject::Close>("close")});
}

ExecutorObject& ExecutorObject::Of(const Napi::Value& value) {
  const Napi::Env env = value.Env();
  if (!value.IsObject() ||
      !value.As<Napi::Object>().InstanceOf(Environment::Of(env).executor_class.Value())) {
    throw Napi::TypeError::New(env, "executor must be an Executor");
  }
  return *Unwrap(value.As<Napi::Object>());
}

std::shared_ptr<pipeline::Executor> ExecutorObject::From(const Napi::Value& value) {
  return Of(value).executor_;
}

std::shared_ptr<search::Background> ExecutorObject::BackgroundFrom(const Napi::Value& value) {
  return Of(value).background_;
}

ExecutorObject::ExecutorObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Object options = Object(info[0], "options");
  const auto threads = WholeNumber(options.Get("threads"), "threads", 1, kMostThreads);
  const auto max_queue = WholeNumber(options.Get("maxQueue"), "maxQueue", 1, kMostWaiting);
  executor_ =
      std::make_shared<pipeline::Executor>(static_cast<int>(threads), static_cast<std::size_t>(max_queue));
  const unsigned cores = std::max(std::thread::hardware_concurrency(), 1U);
  const unsigned behind = std::min(cores, kMostBackgroundThreads);
  const auto is_crowded = [executor = executor_, free = cores - behind] {
    return executor->under_way() > free;
  };
  background_ = std::make_shared<search::Background>(behind, is_crowded);
  Environment::Of(info.Env()).Watch(executor_, background_);
}

Napi::Value ExecutorObject::Stats(const Napi::CallbackInfo& info) {
  const pipeline::Executor::Stats stats = executor_->stats();
  Napi::Object value = Napi::Object::New(info.Env());
  value.Set("threads", stats.threads);
  value.Set("queued", static_cast<double>(stats.queued));
  value.Set("running", static_cast<double>(stats.running));
  value.Set("ended", static_cast<double>(stats.ended));
  return value;
}

Napi::Value ExecutorObject::Close(const Napi::CallbackInfo& info) {
  Environment& environment = Environment::Of(info.Env());
  Call& call = environment.Hold(std::make_unique<CloseCall>(info.Env(), executor_, background_));
  const Napi::Promise promise = call.promise();
  executor_->Close([&environment, &call] { environment.Finish(call); });
  return promise;
}

}  // namespace visage::addon
