#include "thumbnail/thumbnail.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "decode/decode.h"

namespace {

using visage::thumbnail::CropInput;
using visage::thumbnail::EncodeJpeg;

std::vector<float> Gradients() {
  const auto input = CropInput();
  std::vector<float> planes(input.size());
  for (int y = 0; y < input.height; ++y) {
    for (int x = 0; x < input.width; ++x) {
      const std::size_t at = static_cast<std::size_t>(y) * input.width + x;
      planes[at] = static_cast<float>(x);
      planes[input.plane_size() + at] = static_cast<float>(y);
      planes[2 * input.plane_size() + at] = 60;
    }
  }
  return planes;
}

}  // namespace

TEST_CASE("A crop is a JPEG file of 224 x 224 pixels that keeps its colours") {
  const std::vector<float> planes = Gradients();
  const auto decoded = visage::decode::Decode(EncodeJpeg(planes));
  CHECK(decoded.format == visage::decode::ImageFormat::kJpeg);
  REQUIRE(decoded.full_width == 224);
  REQUIRE(decoded.full_height == 224);
  double most = 0;
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 224; ++x) {
      const std::uint8_t* pixel = decoded.image.Row(y) + std::ptrdiff_t{3} * x;
      for (int c = 0; c < 3; ++c) {
        const double wanted = planes[(static_cast<std::size_t>(c) * 224 + y) * 224 + x];
        most = std::max(most, std::abs(pixel[c] - wanted));
      }
    }
  }
  CHECK(most < 12);
}

TEST_CASE("The file of a crop holds nothing but the picture") {
  const std::vector<std::uint8_t> file = EncodeJpeg(Gradients());
  // JFIF's header is the only application segment (E0); no comment (FE).
  std::vector<int> segments;
  for (std::size_t at = 2; at + 4 < file.size() && file[at + 1] != 0xDA;) {
    REQUIRE(file[at] == 0xFF);
    segments.push_back(file[at + 1]);
    at += 2 + std::size_t{file[at + 2]} * 256 + file[at + 3];
  }
  for (const int segment : segments) {
    const bool is_picture = segment == 0xE0 || (segment >= 0xC0 && segment <= 0xDB);
    CHECK(is_picture);
  }
  CHECK(file.size() < 10'000);
}

TEST_CASE("Noise makes the largest crop and still fits") {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> extremes(0, 1);
  std::vector<float> planes(CropInput().size());
  for (float& value : planes) value = extremes(random) ? 255.0f : 0.0f;
  const auto decoded = visage::decode::Decode(EncodeJpeg(planes));
  CHECK(decoded.full_width == 224);
}
