#include <cuda_runtime.h>

#include <variant>

#include "base/device_calls.h"
#include "base/framed_pixel.h"

namespace visage::cuda {
namespace {

constexpr int kSide = 16;

__global__ void ResizedPixels(base::ImageView image, base::Resized framing, base::Size size,
                              base::PlaneWriter writer) {
  const int x = blockIdx.x * kSide + threadIdx.x;
  const int y = blockIdx.y * kSide + threadIdx.y;
  if (x < size.width && y < size.height) base::WriteResized(image, framing, size, writer, x, y);
}

__global__ void WarpedPixels(base::ImageView image, base::Warped framing, base::Size size,
                             base::PlaneWriter writer) {
  const int x = blockIdx.x * kSide + threadIdx.x;
  const int y = blockIdx.y * kSide + threadIdx.y;
  if (x < size.width && y < size.height) base::WriteWarped(image, framing, size, writer, x, y);
}

class Cuda final : public base::DeviceCalls {
 public:
  int Open() override {
    if (const cudaError_t failed = cudaSetDevice(0)) return Clear(failed);
    return Clear(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  const char* Describe(int code) const override { return cudaGetErrorString(static_cast<cudaError_t>(code)); }
  const char* memory_name() const override { return "Cuda"; }
  void* stream() const override { return stream_; }

  int Allocate(std::size_t size, void** memory) override { return Clear(cudaMalloc(memory, size)); }
  void Free(void* memory) override { Clear(cudaFree(memory)); }
  int AllocatePinned(std::size_t size, void** memory) override { return Clear(cudaMallocHost(memory, size)); }
  void FreePinned(void* memory) override { Clear(cudaFreeHost(memory)); }

  int CopyIn(void* to, const void* from, std::size_t size) override {
    return Clear(cudaMemcpyAsync(to, from, size, cudaMemcpyHostToDevice, stream_));
  }
  int CopyOut(void* to, const void* from, std::size_t size) override {
    if (const int failed = Clear(cudaMemcpyAsync(to, from, size, cudaMemcpyDeviceToHost, stream_)))
      return failed;
    return Wait();
  }
  int MakeInput(const base::ImageView& image, const base::Framing& framing, const base::NetworkInput& input,
                float* out) override {
    const base::Size size{input.width, input.height};
    const base::PlaneWriter writer(input, out);
    const dim3 squares((size.width + kSide - 1) / kSide, (size.height + kSide - 1) / kSide);
    const dim3 threads(kSide, kSide);
    if (const base::Resized* resized = std::get_if<base::Resized>(&framing)) {
      ResizedPixels<<<squares, threads, 0, stream_>>>(image, *resized, size, writer);
    } else {
      WarpedPixels<<<squares, threads, 0, stream_>>>(image, *std::get_if<base::Warped>(&framing), size,
                                                     writer);
    }
    return cudaGetLastError();
  }

  int Wait() override { return Clear(cudaStreamSynchronize(stream_)); }
  int CreateEvent(void** event) override {
    cudaEvent_t created = nullptr;
    const int failed = Clear(cudaEventCreateWithFlags(&created, cudaEventDisableTiming));
    *event = created;
    return failed;
  }
  int RecordEvent(void* event) override {
    return Clear(cudaEventRecord(static_cast<cudaEvent_t>(event), stream_));
  }
  int WaitForEvent(void* event) override {
    return Clear(cudaEventSynchronize(static_cast<cudaEvent_t>(event)));
  }

 private:
  /// Clears CUDA's last error, to hide it from ONNX Runtime. Sticky errors return.
  static int Clear(cudaError_t code) {
    if (code != cudaSuccess) static_cast<void>(cudaGetLastError());
    return code;
  }

  cudaStream_t stream_ = nullptr;
};

}  // namespace
}  // namespace visage::cuda

extern "C" __attribute__((visibility("default"))) visage::base::DeviceCalls* visage_device_calls_1() {
  static visage::cuda::Cuda cuda;
  return &cuda;
}
