#include "addon/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "addon/arguments.h"

namespace visage {
namespace {

[[noreturn]] void Fail(Napi::Env env, const char* what, int cause) {
  throw Napi::Error::New(env, std::string(what) + ": " + std::generic_category().message(cause));
}

}  // namespace

Napi::Value LockFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = Text(info[0], "path");
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) Fail(env, "The lock file cannot be opened", errno);
  // The descriptor stays open: the lock is the kernel's to release when the process ends, however it ends.
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return Napi::Boolean::New(env, true);
  const int cause = errno;
  close(file);
  if (cause != EWOULDBLOCK) Fail(env, "The lock file cannot be locked", cause);
  return Napi::Boolean::New(env, false);
}

}  // namespace visage
