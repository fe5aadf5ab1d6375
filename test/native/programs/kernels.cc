/// Compares inputs of networks that a device makes with those of the CPU path, over pictures, framings and
/// inputs of many kinds: `kernels LIBRARY TOLERANCE`, the library one of `DeviceCalls`, the tolerance in grey
/// levels. Ends with code 1 and a sentence where they differ; says why where the library cannot be used.
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "align/aligner.h"
#include "base/error.h"
#include "runtime/accelerator.h"
#include "runtime/input_maker.h"

namespace {

using namespace visage;

/// What a device was asked for, and what it should give.
struct Asked {
  std::vector<float> expected;
  Accelerator::Memory made;
};

Image Noise(int width, int height, std::mt19937& random) {
  Image image(width, height);
  for (std::size_t i = 0; i < image.size_bytes(); ++i) image.data()[i] = static_cast<std::uint8_t>(random());
  return image;
}

NetworkInput Input(int width, int height, Channels channels) {
  return {.width = width,
          .height = height,
          .channels = channels,
          .mean = {127.5f, 110, 90},
          .scale = {1, 0.5f, 2}};
}

Asked Ask(Accelerator& device, const Image& image, const Framing& framing, const NetworkInput& input) {
  InputMaker maker;
  const Session::Input on_host = maker.Make(image.view(), framing, input);
  Asked asked{{on_host.values.begin(), on_host.values.end()}, device.Floats(input.size())};
  // The picture is given back before anything waits for what is made of it.
  const Picture picture(image.view(), &device);
  const Session::Input on_device = maker.Make(picture, framing, input);
  if (!on_device.image) {
    std::cout << "the picture is not on the device" << std::endl;
    std::exit(1);
  }
  device.Make(*on_device.image, on_device.framing, on_device.form, asked.made.floats());
  return asked;
}

void Check(Accelerator& device, const std::vector<Asked>& all, float tolerance) {
  for (const Asked& each : all) {
    const std::vector<float> found = device.CopyOut(each.made.floats(), each.expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (std::abs(each.expected[i] - found[i]) <= tolerance) continue;
      std::cout << "value " << i << " is " << found[i] << ", on the CPU path " << each.expected[i]
                << std::endl;
      std::exit(1);
    }
  }
}

}  // namespace

int main(int, char** arguments) {
  Accelerator* device = nullptr;
  try {
    device = &Accelerator::Load(arguments[1]);
  } catch (const Error& error) {
    std::cout << "kernels: cannot be used here: " << error.what() << std::endl;
    return 0;
  }
  const float tolerance = std::stof(arguments[2]);
  std::mt19937 random(1);
  const auto between = [&](float least, float most) {
    return std::uniform_real_distribution<float>(least, most)(random);
  };
  const Channels kinds[] = {Channels::kRgb, Channels::kBgr, Channels::kGrey};
  std::vector<Asked> asked;
  for (int i = 0; i < 30; ++i) {
    const Image image = Noise(static_cast<int>(between(20, 400)), static_cast<int>(between(20, 300)), random);
    const float width = static_cast<float>(image.width()), height = static_cast<float>(image.height());
    const NetworkInput input =
        Input(static_cast<int>(between(16, 160)), static_cast<int>(between(16, 120)), kinds[i % 3]);
    const Box part{between(0, width / 2), between(0, height / 2), between(4, width / 2),
                   between(4, height / 2)};
    const Box whole{0, 0, width, height};
    const Resized resized{
        .source = i % 2 ? part : whole,
        .content = {i % 4 ? input.width : input.width / 2, i % 5 ? input.height : input.height / 3},
        .mirrored = i % 3 == 0};
    asked.push_back(Ask(*device, image, resized, input));
    const float eye = between(2, width / 2), x = between(-10, width), y = between(-10, height);
    const FivePoints points = {{{x, y},
                                {x + eye, y + between(-10, 10)},
                                {x + eye / 2, y + eye / 2},
                                {x + eye / 8, y + eye},
                                {x + eye * 7 / 8, y + eye}}};
    const FaceView shown{.context = i % 2 ? 1.0f : 1.06f, .mirrored = i % 2 == 0};
    asked.push_back(Ask(*device, image, AlignArcFace(points, input, shown), input));
    asked.push_back(Ask(*device, image, CropSquare(part, 1.3f, input, shown), input));
    if (i % 7 == 0) {
      Check(*device, asked, tolerance);
      asked.clear();
    }
  }
  Check(*device, asked, tolerance);
  std::cout << "kernels: as the CPU" << std::endl;
}
