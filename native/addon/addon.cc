#include <napi.h>

#include "addon/core_dumps.h"
#include "addon/datagram.h"
#include "addon/device_options.h"
#include "addon/environment.h"
#include "addon/executor_object.h"
#include "addon/exit_now.h"
#include "addon/index_object.h"
#include "addon/lock_file.h"
#include "addon/network_comparison.h"
#include "addon/pipeline_object.h"
#include "addon/release_bytes.h"
#include "addon/search_kernels.h"
#include "addon/snapshot_info.h"
#include "addon/space_object.h"
#include "addon/spawn.h"
#include "runtime/inference_session.h"

namespace visage::addon {
namespace {

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  runtime::DisableTelemetry();
  env.SetInstanceData(std::make_unique<Environment>(env).release());
  const Napi::Function executor_class = ExecutorObject::Define(env);
  Environment::Of(env).executor_class = Napi::Persistent(executor_class);
  exports.Set("Executor", executor_class);
  const Napi::Function space_class = SpaceObject::Define(env);
  Environment::Of(env).space_class = Napi::Persistent(space_class);
  exports.Set("SearchSpace", space_class);
  exports.Set("GalleryIndex", IndexObject::Define(env));
  exports.Set("loadPipeline", Napi::Function::New<LoadPipeline>(env, "loadPipeline"));
  exports.Set("decodeImage", Napi::Function::New<DecodeImage>(env, "decodeImage"));
  exports.Set("releaseBytes", Napi::Function::New<ReleaseBytes>(env, "releaseBytes"));
  exports.Set("compareNetworks", Napi::Function::New<CompareNetworks>(env, "compareNetworks"));
  exports.Set("searchKernels", Napi::Function::New<SearchKernelNames>(env, "searchKernels"));
  exports.Set("whyUnavailable", Napi::Function::New<WhyUnavailableText>(env, "whyUnavailable"));
  exports.Set("whySearchUnavailable",
              Napi::Function::New<WhySearchUnavailableText>(env, "whySearchUnavailable"));
  exports.Set("whyInputsUnavailable",
              Napi::Function::New<WhyInputsUnavailableText>(env, "whyInputsUnavailable"));
  exports.Set("runtimeVersion", Napi::Function::New<RuntimeVersionText>(env, "runtimeVersion"));
  exports.Set("sendDatagram", Napi::Function::New<SendDatagram>(env, "sendDatagram"));
  exports.Set("readSnapshotInfo", Napi::Function::New<ReadSnapshotInfo>(env, "readSnapshotInfo"));
  exports.Set("exitNow", Napi::Function::New<ExitNow>(env, "exitNow"));
  exports.Set("forbidCoreDumps", Napi::Function::New<ForbidCoreDumps>(env, "forbidCoreDumps"));
  exports.Set("spawnProgram", Napi::Function::New<SpawnProgram>(env, "spawnProgram"));
  exports.Set("exitOf", Napi::Function::New<ExitOf>(env, "exitOf"));
  exports.Set("lockFile", Napi::Function::New<LockFile>(env, "lockFile"));
  return exports;
}

}  // namespace

NODE_API_MODULE(visage, Initialize)

}  // namespace visage::addon
