#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "align/aligner.h"
#include "base/error.h"
#include "runtime/accelerator.h"
#include "runtime/input_maker.h"

namespace {

using namespace visage;

std::string Environment(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value ? value : fallback;
}

struct Asked {
  std::vector<float> expected;
  runtime::Accelerator::Memory made;
};

base::Image Noise(int width, int height, std::mt19937& random) {
  base::Image image(width, height);
  for (std::size_t i = 0; i < image.size_bytes(); ++i) image.data()[i] = static_cast<std::uint8_t>(random());
  return image;
}

base::NetworkInput Input(int width, int height, base::Channels channels) {
  return {.width = width,
          .height = height,
          .channels = channels,
          .mean = {127.5f, 110, 90},
          .scale = {1, 0.5f, 2}};
}

Asked Ask(runtime::Accelerator& device, const base::Image& image, const base::Framing& framing,
          const base::NetworkInput& input) {
  runtime::InputMaker maker;
  const runtime::InferenceSession::Input on_host = maker.Make(image.view(), framing, input);
  Asked asked{{on_host.values.begin(), on_host.values.end()}, device.Floats(input.size())};
  const runtime::SourceImage picture(image.view(), &device);
  const runtime::InferenceSession::Input on_device = maker.Make(picture, framing, input);
  REQUIRE(on_device.image);
  device.Make(*on_device.image, on_device.framing, on_device.form, asked.made.floats());
  return asked;
}

void Check(runtime::Accelerator& device, const std::vector<Asked>& all, float tolerance) {
  for (const Asked& each : all) {
    const std::vector<float> found = device.CopyOut(each.made.floats(), each.expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CAPTURE(i);
      REQUIRE(std::abs(each.expected[i] - found[i]) <= tolerance);
    }
  }
}

std::string WhyRefused(const std::string& library, const char* fault) {
  setenv("VISAGE_DEVICE_FAULT", fault, 1);
  std::string why;
  try {
    runtime::Accelerator::Load(library);
  } catch (const base::Error& error) {
    why = error.what();
  }
  unsetenv("VISAGE_DEVICE_FAULT");
  return why;
}

}  // namespace

TEST_CASE("A device that fails or builds wrong inputs is refused with the reason") {
  CHECK(WhyRefused(HOST_DEVICE, "open") == "as it was told");
  CHECK(WhyRefused(HOST_DEVICE, "memory") == "it has no free memory for an image");
  CHECK(WhyRefused(HOST_DEVICE, "pinned") == "it has no free memory for an image");
  CHECK(WhyRefused(HOST_DEVICE, "input") == "The GPU failed to build a network input: as it was told");
  CHECK(WhyRefused(HOST_DEVICE, "pixels") == "its network inputs differ from those of the CPU");
  CHECK(WhyRefused("/none.so", "").find("none.so: cannot open shared object") != std::string::npos);
}

TEST_CASE("A device builds the inputs of the CPU to the last bit") {
  runtime::Accelerator* device =
      &runtime::Accelerator::Load(Environment("VISAGE_DEVICE_LIBRARY", HOST_DEVICE));
  const float tolerance = std::stof(Environment("VISAGE_DEVICE_TOLERANCE", "0"));
  std::mt19937 random(1);
  const auto between = [&](float least, float most) {
    return std::uniform_real_distribution<float>(least, most)(random);
  };
  const base::Channels kinds[] = {base::Channels::kRgb, base::Channels::kBgr, base::Channels::kGrey};
  std::vector<Asked> asked;
  for (int i = 0; i < 30; ++i) {
    const base::Image image =
        Noise(static_cast<int>(between(20, 400)), static_cast<int>(between(20, 300)), random);
    const float width = static_cast<float>(image.width()), height = static_cast<float>(image.height());
    const base::NetworkInput input =
        Input(static_cast<int>(between(16, 160)), static_cast<int>(between(16, 120)), kinds[i % 3]);
    const base::Box part{between(0, width / 2), between(0, height / 2), between(4, width / 2),
                         between(4, height / 2)};
    const base::Box whole{0, 0, width, height};
    const base::Resized resized{
        .source = i % 2 ? part : whole,
        .content = {i % 4 ? input.width : input.width / 2, i % 5 ? input.height : input.height / 3},
        .mirrored = i % 3 == 0,
        .turn = i % 7 % 4};
    asked.push_back(Ask(*device, image, resized, input));
    const float eye = between(2, width / 2), x = between(-10, width), y = between(-10, height);
    const base::FivePoints points = {{{x, y},
                                      {x + eye, y + between(-10, 10)},
                                      {x + eye / 2, y + eye / 2},
                                      {x + eye / 8, y + eye},
                                      {x + eye * 7 / 8, y + eye}}};
    const base::FaceView shown{.context = i % 2 ? 1.0f : 1.06f, .mirrored = i % 2 == 0};
    asked.push_back(Ask(*device, image, align::AlignArcFace(points, input, shown), input));
    asked.push_back(Ask(*device, image, align::CropSquare(part, i % 4, 1.3f, input, shown), input));
    if (i % 7 == 0) {
      Check(*device, asked, tolerance);
      asked.clear();
    }
  }
  Check(*device, asked, tolerance);
}
