#include "runtime/environment.h"

#include <memory>

namespace visage::runtime {

Ort::Env& OnnxEnvironment() {
  static const std::unique_ptr<Ort::Env, void (*)(Ort::Env*)> env = [] {
    auto made = std::make_unique<Ort::Env>(ORT_LOGGING_LEVEL_ERROR, "visage");
    // The arena stops growing once every thread has run the largest network.
    constexpr int kSameAsRequested = 1;
    const Ort::ArenaCfg arena(0, kSameAsRequested, -1, -1);
    const Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    made->CreateAndRegisterAllocator(memory, arena);
    return std::unique_ptr<Ort::Env, void (*)(Ort::Env*)>(made.release(), [](Ort::Env*) {});
  }();
  return *env;
}

}  // namespace visage::runtime
