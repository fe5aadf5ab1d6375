/// Lower bound of an image's cost: libjpeg-turbo decodes one file, then the default pack's networks run on
/// fixed inputs, on one thread.
///
///   cmake --build build --target visage_floor
///   build/visage_floor picture.jpg yunet_n.onnx:1 fr_landmark.onnx:3 fr_feature.onnx:2 200
///
/// The number behind a network says how many times it runs. Prints one JSON object: `p50` and `p99` in
/// milliseconds of each step, of all together (`total`), and of the decoding with one run of each (`once`).

#include <cstdio>
// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/pipeline.h"
#include "runtime/inference_session.h"

namespace {

using visage::runtime::InferenceSession;

unsigned Reduction(unsigned width, unsigned height) {
  unsigned reduction = 8;
  while (reduction > 1 &&
         (std::max(width, height) + reduction - 1) / reduction < visage::pipeline::Pipeline::kSearchSide) {
    reduction /= 2;
  }
  return reduction;
}

void DecodeJpeg(const std::vector<unsigned char>& file, std::vector<unsigned char>& pixels) {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, file.data(), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = Reduction(info.image_width, info.image_height);
  jpeg_start_decompress(&info);
  const std::size_t stride = static_cast<std::size_t>(info.output_width) * 3;
  pixels.resize(stride * info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels.data() + info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
}

class Repeated {
 public:
  Repeated(const std::string& file, const InferenceSession::Shape& input)
      : session_({.file = file}, InferenceSession::Sizes::kFree), shape_(input) {
    std::size_t size = 1;
    for (const std::int64_t side : input) size *= static_cast<std::size_t>(side);
    for (std::size_t i = 0; i < size; ++i) input_.push_back(std::sin(static_cast<float>(i)));
  }

  void Run() {
    session_.Run(input_, shape_, [](std::span<const InferenceSession::Output>) {});
  }

 private:
  InferenceSession session_;
  InferenceSession::Shape shape_;
  std::vector<float> input_;
};

double Quantile(std::vector<double> times, double share) {
  std::ranges::sort(times);
  const std::size_t rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(times.size())));
  return times[std::max<std::size_t>(rank, 1) - 1];
}

struct Network {
  std::string file;
  int runs = 0;

  explicit Network(const std::string& argument) {
    const std::size_t colon = argument.rfind(':');
    if (colon == std::string::npos) throw std::invalid_argument("How many times does it run? " + argument);
    file = argument.substr(0, colon);
    runs = std::stoi(argument.substr(colon + 1));
    if (runs < 1) throw std::invalid_argument("It must run at least once: " + argument);
  }
};

struct Networks {
  Network detector;
  Network landmarks;
  Network embedder;
};

void Measure(const std::string& picture, const Networks& networks, int iterations) {
  std::ifstream stream(picture, std::ios::binary);
  const std::vector<unsigned char> file{std::istreambuf_iterator<char>(stream), {}};
  if (file.empty()) throw std::runtime_error("The picture cannot be read: " + picture);
  std::vector<unsigned char> pixels;
  // YuNet takes only multiples of 32.
  Repeated detector(networks.detector.file, {1, 3, 256, 320});
  Repeated landmarks(networks.landmarks.file, {1, 1, 64, 64});
  Repeated embedder(networks.embedder.file, {1, 3, 112, 112});

  constexpr std::array kSteps = {"decode", "detect", "landmarks", "embed", "total", "once"};
  std::array<std::vector<double>, kSteps.size()> times;
  using Clock = std::chrono::steady_clock;
  const auto passed = [](Clock::time_point since) {
    return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
  };
  constexpr int kWarmUp = 5;
  for (int i = -kWarmUp; i < iterations; ++i) {
    std::array<double, kSteps.size()> took{};
    const auto step = [&](std::size_t number, int runs, const auto& run) {
      const Clock::time_point began = Clock::now();
      for (int j = 0; j < runs; ++j) {
        run();
        if (j == 0) took.back() += passed(began);
      }
      took[number] = passed(began);
    };
    const Clock::time_point began = Clock::now();
    step(0, 1, [&] { DecodeJpeg(file, pixels); });
    step(1, networks.detector.runs, [&] { detector.Run(); });
    step(2, networks.landmarks.runs, [&] { landmarks.Run(); });
    step(3, networks.embedder.runs, [&] { embedder.Run(); });
    took[4] = passed(began);
    if (i < 0) continue;
    for (std::size_t j = 0; j < took.size(); ++j) times[j].push_back(took[j]);
  }

  std::printf("{\"iterations\":%d", iterations);
  for (std::size_t step = 0; step < kSteps.size(); ++step) {
    std::printf(",\"%s\":{\"p50\":%.4f,\"p99\":%.4f}", kSteps[step], Quantile(times[step], 0.5),
                Quantile(times[step], 0.99));
  }
  std::puts("}");
}

}  // namespace

int main(int count, char** arguments) {
  const int iterations = count == 6 ? std::atoi(arguments[5]) : 0;
  if (iterations < 1) {
    std::fputs("Usage: visage_floor PICTURE.jpg DETECTOR:RUNS LANDMARKS:RUNS EMBEDDER:RUNS ITERATIONS\n",
               stderr);
    return 64;
  }
  try {
    Measure(arguments[1], {Network(arguments[2]), Network(arguments[3]), Network(arguments[4])}, iterations);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
