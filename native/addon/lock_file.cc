#include "addon/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <system_error>

#include "addon/arguments.h"

namespace visage::addon {
namespace {

[[noreturn]] void Fail(Napi::Env env, const char* what, int cause) {
  throw Napi::Error::New(env, std::string(what) + ": " + std::generic_category().message(cause));
}

std::optional<std::string> WhyForeign(int file) {
  struct stat found {};
  if (fstat(file, &found) != 0) return "cannot be examined: " + std::generic_category().message(errno);
  if (!S_ISREG(found.st_mode)) return "is not a regular file";
  if (found.st_uid != geteuid()) return "belongs to user " + std::to_string(found.st_uid);
  if (found.st_nlink != 1) return "has " + std::to_string(found.st_nlink) + " links";
  return std::nullopt;
}

}  // namespace

Napi::Value LockFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = Text(info[0], "path");
  // Another user may have planted a link to our file, or a blocking FIFO.
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (file < 0 && errno == ELOOP) throw Napi::Error::New(env, "The lock file is a symbolic link");
  if (file < 0) Fail(env, "The lock file cannot be opened", errno);
  if (const auto why = WhyForeign(file)) {
    close(file);
    throw Napi::Error::New(env, "The lock file " + *why);
  }
  // The kernel releases the lock when the process ends.
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return Napi::Boolean::New(env, true);
  const int cause = errno;
  close(file);
  if (cause != EWOULDBLOCK) Fail(env, "The lock file cannot be locked", cause);
  return Napi::Boolean::New(env, false);
}

}  // namespace visage::addon
