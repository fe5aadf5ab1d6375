/// The bare floor of a picture's way: libjpeg-turbo's decoding of one file and one run of each network of the
/// default pack on a fixed input, one after the other on one thread, and nothing else.
///
///   cmake --build build --target visage_floor
///   build/visage_floor picture.jpg fr_detect.onnx fr_landmark.onnx fr_feature.onnx 200
///
/// Prints one JSON object: `p50` and `p99` in milliseconds of each step and of all together.

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
#include <string>
#include <vector>

#include "pipeline/pipeline.h"
#include "runtime/session.h"

namespace {

using visage::Session;

/// As the pipeline decodes: reduced as long as the longer side keeps Pipeline::kSearchSide pixels.
unsigned Reduction(unsigned width, unsigned height) {
  unsigned reduction = 8;
  while (reduction > 1 &&
         (std::max(width, height) + reduction - 1) / reduction < visage::Pipeline::kSearchSide) {
    reduction /= 2;
  }
  return reduction;
}

/// libjpeg's own error handler ends the program, which is right here.
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

/// A network with buffers of its own.
class FixedRun {
 public:
  FixedRun(const std::string& file, const Session::Shape& input, const std::vector<Session::Shape>& outputs)
      : session_(file, input, outputs) {
    std::size_t size = 1;
    for (const std::int64_t side : input) size *= static_cast<std::size_t>(side);
    for (std::size_t i = 0; i < size; ++i) input_.push_back(std::sin(static_cast<float>(i)));
    for (std::size_t i = 0; i < outputs.size(); ++i) outputs_.emplace_back(session_.output_size(i));
  }

  void Run() {
    const std::vector<std::span<float>> outputs(outputs_.begin(), outputs_.end());
    session_.Run(input_, outputs);
  }

 private:
  Session session_;
  std::vector<float> input_;
  std::vector<std::vector<float>> outputs_;
};

double Quantile(std::vector<double> times, double share) {
  std::ranges::sort(times);
  const std::size_t rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(times.size())));
  return times[std::max<std::size_t>(rank, 1) - 1];
}

/// Paths of the default pack's networks, or of what they were prepared to.
struct Networks {
  std::string detector;
  std::string landmarks;
  std::string embedder;
};

void Measure(const std::string& picture, const Networks& networks, int iterations) {
  std::ifstream stream(picture, std::ios::binary);
  const std::vector<unsigned char> file{std::istreambuf_iterator<char>(stream), {}};
  if (file.empty()) throw std::runtime_error("The picture cannot be read: " + picture);
  std::vector<unsigned char> pixels;
  FixedRun detector(networks.detector, {1, 3, 240, 320}, {{1, -1, 2}, {1, -1, 4}});
  FixedRun landmarks(networks.landmarks, {1, 1, 64, 64}, {{1, 136}});
  FixedRun embedder(networks.embedder, {1, 3, 112, 112}, {{1, 512}});

  constexpr std::array kSteps = {"decode", "detect", "landmarks", "embed", "total"};
  std::array<std::vector<double>, kSteps.size()> times;
  using Clock = std::chrono::steady_clock;
  constexpr int kWarmUp = 5;
  for (int i = -kWarmUp; i < iterations; ++i) {
    std::array<Clock::time_point, kSteps.size()> at;
    at[0] = Clock::now();
    DecodeJpeg(file, pixels);
    at[1] = Clock::now();
    detector.Run();
    at[2] = Clock::now();
    landmarks.Run();
    at[3] = Clock::now();
    embedder.Run();
    at[4] = Clock::now();
    if (i < 0) continue;
    const auto passed = [](auto from, auto to) {
      return std::chrono::duration<double, std::milli>(to - from).count();
    };
    for (std::size_t step = 0; step + 1 < at.size(); ++step)
      times[step].push_back(passed(at[step], at[step + 1]));
    times.back().push_back(passed(at.front(), at.back()));
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
    std::fputs("Usage: visage_floor PICTURE.jpg DETECTOR LANDMARKS EMBEDDER ITERATIONS\n", stderr);
    return 64;
  }
  try {
    Measure(arguments[1], {arguments[2], arguments[3], arguments[4]}, iterations);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
