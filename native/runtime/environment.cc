#include "runtime/environment.h"

#include <memory>

namespace visage {

Ort::Env& OnnxEnvironment() {
  static const std::unique_ptr<Ort::Env, void (*)(Ort::Env*)> env = [] {
    auto made = std::make_unique<Ort::Env>(ORT_LOGGING_LEVEL_ERROR, "visage");
    // Shapes are fixed, or bounded by the detector's largest window, so the arena stops growing once every
    // thread has run the largest network. Growing by what is asked for instead of by doubling keeps it near
    // that size; shrinking it would only make it grow again.
    constexpr int kSameAsRequested = 1;
    const Ort::ArenaCfg arena(0, kSameAsRequested, -1, -1);
    const Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    made->CreateAndRegisterAllocator(memory, arena);
    return std::unique_ptr<Ort::Env, void (*)(Ort::Env*)>(made.release(), [](Ort::Env*) {});
  }();
  return *env;
}

}  // namespace visage
