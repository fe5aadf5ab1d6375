#include <cuda_runtime.h>

#include "base/planes.h"
#include "cuda/kernels.h"

namespace visage::cuda {
namespace {

/// One thread a pixel of the result, in squares.
constexpr int kSide = 16;

dim3 Squares(const NetworkInput& input) {
  return dim3((input.width + kSide - 1) / kSide, (input.height + kSide - 1) / kSide);
}

__global__ void LetterboxPixel(ImageView image, Box source, Size size, Size content, PlaneWriter writer) {
  const int x = blockIdx.x * kSide + threadIdx.x;
  const int y = blockIdx.y * kSide + threadIdx.y;
  if (x >= size.width || y >= size.height) return;
  if (x >= content.width || y >= content.height) {
    writer.Clear(x, y);
    return;
  }
  const Tap column(source.x, source.width, image.width, content.width, x);
  const Tap row(source.y, source.height, image.height, content.height, y);
  writer.Write(x, y, ResizedPixel(image, column, row));
}

__global__ void WarpPixel(ImageView image, Affine back, int grid, Size size, bool mirrored,
                          PlaneWriter writer) {
  const int x = blockIdx.x * kSide + threadIdx.x;
  const int y = blockIdx.y * kSide + threadIdx.y;
  if (x >= size.width || y >= size.height) return;
  writer.Write(mirrored ? size.width - 1 - x : x, y, WarpedPixel(image, back, grid, x, y));
}

}  // namespace

int Letterbox(const ImageView& image, const Box& source, const NetworkInput& input, int width, int height,
              float* out, CUstream_st* stream) {
  LetterboxPixel<<<Squares(input), dim3(kSide, kSide), 0, stream>>>(
      image, source, {input.width, input.height}, {width, height}, PlaneWriter(input, out));
  return cudaGetLastError();
}

int Warp(const ImageView& image, const Affine& back, float step, const NetworkInput& input, bool mirrored,
         float* out, CUstream_st* stream) {
  WarpPixel<<<Squares(input), dim3(kSide, kSide), 0, stream>>>(
      image, back, WarpGrid(step), {input.width, input.height}, mirrored, PlaneWriter(input, out));
  return cudaGetLastError();
}

}  // namespace visage::cuda
