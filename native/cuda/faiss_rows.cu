#include <cuda_runtime.h>
#include <faiss/gpu/GpuIndexFlat.h>
#include <faiss/gpu/StandardGpuResources.h>

#include <exception>
#include <mutex>
#include <optional>
#include <string>

#include "base/device_rows.h"

namespace visage::cuda {
namespace {

constexpr int kDevice = 0;
/// FAISS reserves up to 1.5 GB by default.
constexpr std::size_t kTemporaryBytes = std::size_t{256} << 20;

/// Never destroyed: threads may search while the process ends.
struct Shared {
  Shared() { resources.setTempMemory(kTemporaryBytes); }

  faiss::gpu::StandardGpuResources resources;
  /// FAISS allows one call at a time per resources object.
  std::mutex mutex;
};

template <typename Work>
const char* Described(Work work) {
  thread_local std::string why;
  try {
    work();
    return nullptr;
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
    why = "FAISS failed and does not say why";
  }
  return why.c_str();
}

faiss::gpu::GpuIndexFlatConfig Config() {
  faiss::gpu::GpuIndexFlatConfig config;
  config.device = kDevice;
  config.useFloat16 = true;
  return config;
}

class FaissRows final : public base::DeviceRows {
 public:
  FaissRows(Shared& shared, std::size_t dimension)
      : shared_(shared), index_(std::in_place, &shared.resources, static_cast<int>(dimension), Config()) {}
  ~FaissRows() override {
    const std::lock_guard lock(shared_.mutex);
    index_.reset();
  }

  const char* Append(const float* rows, std::size_t count) override {
    const std::lock_guard lock(shared_.mutex);
    return Described([&] { index_->add(static_cast<std::int64_t>(count), rows); });
  }
  const char* Best(const float* probe, std::size_t count, std::int64_t* best) const override {
    float scores[kMost];
    const std::lock_guard lock(shared_.mutex);
    return Described([&] { index_->search(1, probe, static_cast<std::int64_t>(count), scores, best); });
  }

 private:
  Shared& shared_;
  std::optional<faiss::gpu::GpuIndexFlatIP> index_;
};

}  // namespace
}  // namespace visage::cuda

extern "C" __attribute__((visibility("default"))) visage::base::DeviceRows* visage_device_rows_1(
    std::size_t dimension, const char** why) {
  // FAISS ends the process if it finds no driver.
  int devices = 0;
  if (const cudaError_t failed = cudaGetDeviceCount(&devices)) {
    *why = cudaGetErrorString(failed);
    return nullptr;
  }
  visage::base::DeviceRows* rows = nullptr;
  *why = visage::cuda::Described([&] {
    static visage::cuda::Shared& shared = *new visage::cuda::Shared;
    const std::lock_guard lock(shared.mutex);
    rows = new visage::cuda::FaissRows(shared, dimension);
  });
  return rows;
}
