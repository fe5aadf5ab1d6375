/// The cost of networks on one core, and the core's peak.
///
///   cmake --build build --target visage_networks
///   build/visage_networks ROUNDS THREADS PROFILE a.onnx b.onnx ...
///
/// Prints one JSON object: `peak`, billions of multiplications and additions a second of floats and of 16-bit
/// integers, and for each file `ms`, the least and the median of the rounds: processor time; with more than
/// one thread, wall time. ONNX Runtime writes the first file's profile to PROFILE, unless that is `-`.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "runtime/operators.h"

namespace {

/// Which clock: of this thread's processor time, or of the wall where several threads work.
double Seconds(bool is_wall) {
  timespec time;
  clock_gettime(is_wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Billions a second in the best of some repetitions of `loop`, each of `count` of them.
template <typename Loop>
double Rate(double count, Loop loop) {
  double best = 0;
  for (int i = 0; i < 40; ++i) {
    const double began = Seconds(false);
    loop();
    best = std::max(best, count / (Seconds(false) - began) / 1e9);
  }
  return best;
}

constexpr int kTurns = 200'000;

/// Twelve sums that do not wait for each other, which is more than the units and their latency need.
double FloatPeak() {
  return Rate(12.0 * 8 * kTurns, [] {
    int turns = kTurns;
    asm volatile(
        "1: vfmadd231ps %%ymm14,%%ymm15,%%ymm0\n vfmadd231ps %%ymm14,%%ymm15,%%ymm1\n"
        "vfmadd231ps %%ymm14,%%ymm15,%%ymm2\n vfmadd231ps %%ymm14,%%ymm15,%%ymm3\n"
        "vfmadd231ps %%ymm14,%%ymm15,%%ymm4\n vfmadd231ps %%ymm14,%%ymm15,%%ymm5\n"
        "vfmadd231ps %%ymm14,%%ymm15,%%ymm6\n vfmadd231ps %%ymm14,%%ymm15,%%ymm7\n"
        "vfmadd231ps %%ymm14,%%ymm15,%%ymm8\n vfmadd231ps %%ymm14,%%ymm15,%%ymm9\n"
        "vfmadd231ps %%ymm14,%%ymm15,%%ymm10\n vfmadd231ps %%ymm14,%%ymm15,%%ymm11\n"
        "dec %0\n jnz 1b"
        : "+r"(turns)::"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
          "xmm10", "xmm11", "cc");
  });
}

double IntegerPeak() {
  return Rate(6.0 * 16 * kTurns, [] {
    int turns = kTurns;
    asm volatile(
        "1: vpmaddwd %%ymm14,%%ymm15,%%ymm6\n vpaddd %%ymm6,%%ymm0,%%ymm0\n"
        "vpmaddwd %%ymm14,%%ymm15,%%ymm7\n vpaddd %%ymm7,%%ymm1,%%ymm1\n"
        "vpmaddwd %%ymm14,%%ymm15,%%ymm8\n vpaddd %%ymm8,%%ymm2,%%ymm2\n"
        "vpmaddwd %%ymm14,%%ymm15,%%ymm9\n vpaddd %%ymm9,%%ymm3,%%ymm3\n"
        "vpmaddwd %%ymm14,%%ymm15,%%ymm10\n vpaddd %%ymm10,%%ymm4,%%ymm4\n"
        "vpmaddwd %%ymm14,%%ymm15,%%ymm11\n vpaddd %%ymm11,%%ymm5,%%ymm5\n"
        "dec %0\n jnz 1b"
        : "+r"(turns)::"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
          "xmm10", "xmm11", "cc");
  });
}

/// A network with its input.
class Network {
 public:
  Network(const Ort::Env& env, const std::string& file, int threads, const std::string& profile)
      : is_wall_(threads > 1) {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(threads);
    options.SetInterOpNumThreads(1);
    options.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
    options.Add(visage::runtime::OperatorDomain());
    if (!profile.empty()) options.EnableProfiling(profile.c_str());
    session_ = Ort::Session(env, file.c_str(), options);
    const Ort::AllocatorWithDefaultOptions allocator;
    input_name_ = session_.GetInputNameAllocated(0, allocator).get();
    for (std::size_t i = 0; i < session_.GetOutputCount(); ++i) {
      output_names_.emplace_back(session_.GetOutputNameAllocated(i, allocator).get());
    }
    shape_ = session_.GetInputTypeInfo(0).GetTensorTypeAndShapeInfo().GetShape();
    // A free size is the batch, or a side.
    constexpr std::int64_t kSide = 320;
    for (std::size_t i = 0; i < shape_.size(); ++i) {
      if (shape_[i] < 1) shape_[i] = i == 0 ? 1 : kSide;
    }
    std::size_t size = 1;
    for (const std::int64_t side : shape_) size *= static_cast<std::size_t>(side);
    for (std::size_t i = 0; i < size; ++i) input_.push_back(std::sin(static_cast<float>(i)));
  }

  void Run() {
    const Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const Ort::Value input =
        Ort::Value::CreateTensor<float>(memory, input_.data(), input_.size(), shape_.data(), shape_.size());
    const char* const name = input_name_.c_str();
    std::vector<const char*> outputs;
    outputs.reserve(output_names_.size());
    for (const std::string& output : output_names_) outputs.push_back(output.c_str());
    const double began = Seconds(is_wall_);
    session_.Run(Ort::RunOptions{nullptr}, &name, &input, 1, outputs.data(), outputs.size());
    times_.push_back(1e3 * (Seconds(is_wall_) - began));
  }

  /// Milliseconds: the least, and the median.
  std::pair<double, double> Times() {
    std::ranges::sort(times_);
    return {times_.front(), times_[times_.size() / 2]};
  }

  std::string EndProfile() {
    const Ort::AllocatorWithDefaultOptions allocator;
    return session_.EndProfilingAllocated(allocator).get();
  }

 private:
  bool is_wall_;
  Ort::Session session_{nullptr};
  std::string input_name_;
  std::vector<std::string> output_names_;
  std::vector<std::int64_t> shape_;
  std::vector<float> input_;
  std::vector<double> times_;
};

void Measure(int rounds, int threads, const std::string& profile, const std::vector<std::string>& files) {
  const Ort::Env env(ORT_LOGGING_LEVEL_ERROR, "bench");
  std::vector<std::unique_ptr<Network>> networks;
  networks.reserve(files.size());
  for (const std::string& file : files) {
    networks.push_back(std::make_unique<Network>(env, file, threads, networks.empty() ? profile : ""));
  }
  for (int i = 0; i < rounds; ++i) {
    for (const auto& network : networks) network->Run();
  }
  std::printf("{\"peak\":{\"floats\":%.1f,\"integers\":%.1f},\"ms\":[", FloatPeak(), IntegerPeak());
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const auto [least, median] = networks[i]->Times();
    std::printf("%s[%.4f,%.4f]", i == 0 ? "" : ",", least, median);
  }
  std::printf("],\"profile\":\"%s\"}\n", profile.empty() ? "" : networks.front()->EndProfile().c_str());
}

}  // namespace

int main(int count, char** arguments) {
  const int rounds = count > 4 ? std::atoi(arguments[1]) : 0;
  if (rounds < 1) {
    std::fputs("Usage: visage_networks ROUNDS THREADS PROFILE FILE...\n", stderr);
    return 64;
  }
  try {
    const std::string profile = arguments[3];
    Measure(rounds, std::atoi(arguments[2]), profile == "-" ? "" : profile,
            {arguments + 4, arguments + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
