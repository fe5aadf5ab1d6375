/// `DeviceCalls` on CUDA, for the first GPU: one stream, and a kernel for each kind of framing, which makes a
/// pixel by the very functions that the CPU path is made of (`base/pixel.h`).
#include <cuda_runtime.h>

#include <variant>

#include "base/device_calls.h"
#include "base/framed_pixel.h"

namespace visage {
namespace {

/// One thread a pixel of the result, in squares.
constexpr int kSide = 16;

__global__ void ResizedPixels(ImageView image, Resized framing, Size size, PlaneWriter writer) {
  const int x = blockIdx.x * kSide + threadIdx.x;
  const int y = blockIdx.y * kSide + threadIdx.y;
  if (x < size.width && y < size.height) WriteResized(image, framing, size, writer, x, y);
}

__global__ void WarpedPixels(ImageView image, Warped framing, Size size, PlaneWriter writer) {
  const int x = blockIdx.x * kSide + threadIdx.x;
  const int y = blockIdx.y * kSide + threadIdx.y;
  if (x < size.width && y < size.height) WriteWarped(image, framing, size, writer, x, y);
}

class Cuda final : public DeviceCalls {
 public:
  int Open() override {
    if (const cudaError_t failed = cudaSetDevice(0)) return Clear(failed);
    // Does not wait for what others do on the default stream, nor they for it.
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
  int MakeInput(const ImageView& image, const Framing& framing, const NetworkInput& input,
                float* out) override {
    const Size size{input.width, input.height};
    const PlaneWriter writer(input, out);
    const dim3 squares((size.width + kSide - 1) / kSide, (size.height + kSide - 1) / kSide);
    const dim3 threads(kSide, kSide);
    if (const Resized* resized = std::get_if<Resized>(&framing)) {
      ResizedPixels<<<squares, threads, 0, stream_>>>(image, *resized, size, writer);
    } else {
      WarpedPixels<<<squares, threads, 0, stream_>>>(image, *std::get_if<Warped>(&framing), size, writer);
    }
    return cudaGetLastError();
  }

  int Wait() override { return Clear(cudaStreamSynchronize(stream_)); }
  int NewMark(void** mark) override {
    cudaEvent_t event = nullptr;
    const int failed = Clear(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    *mark = event;
    return failed;
  }
  int SetMark(void* mark) override { return Clear(cudaEventRecord(static_cast<cudaEvent_t>(mark), stream_)); }
  int WaitFor(void* mark) override { return Clear(cudaEventSynchronize(static_cast<cudaEvent_t>(mark))); }

 private:
  /// Takes an error back that CUDA would also give to the next who asks for its last, such as ONNX Runtime.
  /// One that broke the GPU's work for good comes again.
  static int Clear(cudaError_t code) {
    if (code != cudaSuccess) static_cast<void>(cudaGetLastError());
    return code;
  }

  cudaStream_t stream_ = nullptr;
};

}  // namespace
}  // namespace visage

extern "C" __attribute__((visibility("default"))) visage::DeviceCalls* visage_device_calls_1() {
  static visage::Cuda cuda;
  return &cuda;
}
