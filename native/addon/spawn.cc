#include "addon/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

#include "addon/arguments.h"

namespace visage::addon {
namespace {

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category());
    }
  }
  ~Pipe() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int writing() const { return ends_[1]; }
  int TakeReading() {
    const int end = ends_[0];
    ends_[0] = -1;
    return end;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&value_); }
  ~Actions() { posix_spawn_file_actions_destroy(&value_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  posix_spawn_file_actions_t* get() { return &value_; }

 private:
  posix_spawn_file_actions_t value_{};
};

class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&value_);
    sigset_t signals;
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&value_, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&value_, &signals);
    posix_spawnattr_setflags(&value_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~Attributes() { posix_spawnattr_destroy(&value_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &value_; }

 private:
  posix_spawnattr_t value_{};
};

std::vector<std::string> Texts(const Napi::Value& value, const std::string& name) {
  const Napi::Object list = Object(value, name);
  std::vector<std::string> texts;
  const std::uint32_t length = list.As<Napi::Array>().Length();
  for (std::uint32_t i = 0; i < length; ++i) texts.push_back(Text(list.Get(i), name));
  return texts;
}

std::vector<char*> PointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Napi::Value SpawnProgram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<std::string> arguments = Texts(info[0], "arguments");
  std::vector<std::string> environment = Texts(info[1], "environment");
  if (arguments.empty()) throw Napi::TypeError::New(env, "arguments: expected the program first");
  try {
    Pipe output;
    Pipe errors;
    Actions actions;
    const Attributes attributes;
    posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(actions.get(), output.writing(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions.get(), errors.writing(), STDERR_FILENO);
    pid_t pid = 0;
    const int cause = posix_spawn(&pid, arguments.front().c_str(), actions.get(), attributes.get(),
                                  PointersTo(arguments).data(), PointersTo(environment).data());
    if (cause != 0) throw std::system_error(cause, std::generic_category());
    Napi::Object started = Napi::Object::New(env);
    started.Set("pid", pid);
    started.Set("stdout", output.TakeReading());
    started.Set("stderr", errors.TakeReading());
    return started;
  } catch (const std::system_error& error) {
    throw Napi::Error::New(env, error.code().message());
  }
}

Napi::Value ExitOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto pid = static_cast<pid_t>(WholeNumber(info[0], "pid", 1, std::numeric_limits<pid_t>::max()));
  int status = 0;
  const pid_t ended = waitpid(pid, &status, WNOHANG);
  if (ended == 0) return env.Undefined();
  if (ended < 0) throw Napi::Error::New(env, std::generic_category().message(errno));
  if (WIFEXITED(status)) return Napi::Number::New(env, WEXITSTATUS(status));
  return env.Null();
}

}  // namespace visage::addon
