#include "addon/prompt_thread.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace visage::addon {
namespace {

/// The kernel's minimum (fair.c: custom slices, 0.1 to 100 ms).
constexpr __u64 kTurnNanoseconds = 100'000;
constexpr pid_t kThisThread = 0;

}  // namespace

void AskForShortTurns() {
  sched_attr attributes{};
  if (syscall(SYS_sched_getattr, kThisThread, &attributes, sizeof attributes, 0) != 0) return;
  // Real-time policies give `sched_runtime` another meaning.
  if (attributes.sched_policy != SCHED_NORMAL) return;
  attributes.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
  attributes.sched_runtime = kTurnNanoseconds;
  syscall(SYS_sched_setattr, kThisThread, &attributes, 0);
}

}  // namespace visage::addon
