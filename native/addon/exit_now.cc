#include "addon/exit_now.h"

#include <unistd.h>

#include "addon/arguments.h"

namespace visage::addon {

Napi::Value ExitNow(const Napi::CallbackInfo& info) {
  _exit(static_cast<int>(WholeNumber(info[0], "code", 0, 255)));
}

}  // namespace visage::addon
