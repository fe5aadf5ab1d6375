#include "decode/aside.h"

#include <sys/resource.h>
#include <unistd.h>

#include <exception>
#include <thread>

namespace visage::decode {
namespace {

/// They take less than 20 ms.
constexpr std::int64_t kFewPixels = 1 << 19;
constexpr int kNice = 10;

}  // namespace

void RunAside(std::int64_t pixels, const std::function<void()>& decode) {
  if (pixels <= kFewPixels) {
    decode();
    return;
  }
  std::exception_ptr failure;
  std::thread([&] {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
    try {
      decode();
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace visage::decode
