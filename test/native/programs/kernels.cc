/// Compares what makes a pixel on a GPU with the CPU path, over pictures, boxes and inputs of many kinds:
/// each pixel by itself on the host, to the last bit; and where it was compiled with VISAGE_CUDA and there is
/// a GPU, what the kernels make there, to a thousandth of a grey level. Ends with code 1 and a sentence where
/// they differ.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "align/aligner.h"
#include "base/pixel.h"
#include "base/planes.h"
#include "base/resample.h"

#ifdef VISAGE_CUDA
#include <cuda_runtime.h>

#include "cuda/kernels.h"
#endif

namespace {

using namespace visage;

using Values = std::vector<float>;

constexpr float kOnGpu = 1e-3f;

void Check(const Values& expected, const Values& found, float tolerance, const std::string& what) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::abs(expected[i] - found[i]) <= tolerance) continue;
    std::cout << what << ": value " << i << " is " << found[i] << ", on the CPU path " << expected[i]
              << std::endl;
    std::exit(1);
  }
}

Image Noise(int width, int height, std::mt19937& random) {
  Image image(width, height);
  std::generate_n(image.data(), image.size_bytes(), [&] { return static_cast<std::uint8_t>(random()); });
  return image;
}

NetworkInput Input(int width, int height, Channels channels) {
  return {.width = width,
          .height = height,
          .channels = channels,
          .mean = {127.5f, 110, 90},
          .scale = {1, 0.5f, 2}};
}

#ifdef VISAGE_CUDA
bool HasGpu() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

/// Has a kernel fill an input from a picture that was copied to the GPU.
template <typename Launch>
Values OnGpu(const Image& image, const NetworkInput& input, const Launch& launch) {
  ImageView view = image.view();
  void* pixels = nullptr;
  void* out = nullptr;
  Values values(input.size());
  const auto must = [](int code) {
    if (code == cudaSuccess) return;
    std::cout << "CUDA: " << cudaGetErrorString(static_cast<cudaError_t>(code)) << std::endl;
    std::exit(1);
  };
  must(cudaMalloc(&pixels, image.size_bytes()));
  must(cudaMalloc(&out, values.size() * sizeof(float)));
  must(cudaMemcpy(pixels, image.data(), image.size_bytes(), cudaMemcpyHostToDevice));
  view.data = static_cast<const std::uint8_t*>(pixels);
  must(launch(view, static_cast<float*>(out)));
  must(cudaMemcpy(values.data(), out, values.size() * sizeof(float), cudaMemcpyDeviceToHost));
  must(cudaFree(pixels));
  must(cudaFree(out));
  return values;
}
#endif

void Letterbox(const Image& image, const Box& source, const NetworkInput& input, int width, int height) {
  Values expected(input.size());
  Resampler().Run(image.view(), source, input, width, height, expected.data());

  Values found(input.size());
  const PlaneWriter writer(input, found.data());
  for (int y = 0; y < input.height; ++y) {
    for (int x = 0; x < input.width; ++x) {
      if (x >= width || y >= height) {
        writer.Clear(x, y);
        continue;
      }
      writer.Write(x, y,
                   ResizedPixel(image.view(), Tap(source.x, source.width, image.width(), width, x),
                                Tap(source.y, source.height, image.height(), height, y)));
    }
  }
  Check(expected, found, 0, "letterbox");
#ifdef VISAGE_CUDA
  if (!HasGpu()) return;
  found = OnGpu(image, input, [&](const ImageView& view, float* out) {
    return cuda::Letterbox(view, source, input, width, height, out, nullptr);
  });
  Check(expected, found, kOnGpu, "letterbox on the GPU");
#endif
}

void Warp(const Image& image, const FivePoints& points, const NetworkInput& input, const FaceView& shown) {
  Values expected(input.size());
  AlignArcFace(image.view(), points, input, shown, expected.data());

  const Affine back = ArcFaceInPicture(points, input, shown);
  const float step = std::hypot(back.xx, back.yx);
  Values found(input.size());
  const PlaneWriter writer(input, found.data());
  for (int y = 0; y < input.height; ++y) {
    for (int x = 0; x < input.width; ++x) {
      writer.Write(shown.mirrored ? input.width - 1 - x : x, y,
                   WarpedPixel(image.view(), back, WarpGrid(step), x, y));
    }
  }
  Check(expected, found, 0, "warp");
#ifdef VISAGE_CUDA
  if (!HasGpu()) return;
  const Values on_gpu = OnGpu(image, input, [&](const ImageView& view, float* out) {
    return cuda::Warp(view, back, step, input, shown.mirrored, out, nullptr);
  });
  Check(expected, on_gpu, kOnGpu, "warp on the GPU");
#endif
}

}  // namespace

int main() {
  std::mt19937 random(1);
  const auto between = [&](float least, float most) {
    return std::uniform_real_distribution<float>(least, most)(random);
  };
  const Channels kinds[] = {Channels::kRgb, Channels::kBgr, Channels::kGrey};
  for (int i = 0; i < 30; ++i) {
    const Image image = Noise(static_cast<int>(between(20, 400)), static_cast<int>(between(20, 300)), random);
    const float width = static_cast<float>(image.width()), height = static_cast<float>(image.height());
    const NetworkInput input =
        Input(static_cast<int>(between(16, 160)), static_cast<int>(between(16, 120)), kinds[i % 3]);
    const Box part{between(0, width / 2), between(0, height / 2), between(4, width / 2),
                   between(4, height / 2)};
    const Box whole{0, 0, width, height};
    Letterbox(image, i % 2 ? part : whole, input, i % 4 ? input.width : input.width / 2,
              i % 5 ? input.height : input.height / 3);
    const float eye = between(2, width / 2), x = between(-10, width), y = between(-10, height);
    const FivePoints points = {{{x, y},
                                {x + eye, y + between(-10, 10)},
                                {x + eye / 2, y + eye / 2},
                                {x + eye / 8, y + eye},
                                {x + eye * 7 / 8, y + eye}}};
    Warp(image, points, input, {.context = i % 2 ? 1.0f : 1.06f, .mirrored = i % 2 == 0});
  }
#ifdef VISAGE_CUDA
  std::cout << (HasGpu() ? "kernels: as the CPU, on the host and on the GPU"
                         : "kernels: as the CPU, on the host; no GPU")
            << std::endl;
#else
  std::cout << "kernels: as the CPU, on the host" << std::endl;
#endif
}
