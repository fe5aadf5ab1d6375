#include "addon/core_dumps.h"

#include <sys/prctl.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace visage::addon {

Napi::Value ForbidCoreDumps(const Napi::CallbackInfo& info) {
  if (prctl(PR_SET_DUMPABLE, 0) != 0) {
    throw Napi::Error::New(info.Env(),
                           std::string("Core dumps cannot be forbidden: ") + std::strerror(errno));
  }
  return info.Env().Undefined();
}

}  // namespace visage::addon
