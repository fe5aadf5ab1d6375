#include "detect/scan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace visage {
namespace {

/// Sides of an input of free size are multiples of this, the coarsest stride of all decoders.
constexpr int kStride = 32;
/// The side of the largest square that a network of free size is given at once: what a run holds in memory
/// grows with it, some 60 bytes a pixel.
constexpr int kMostSide = 1024;
/// The finest level has no more pixels than this, which is a hundred runs of 320 x 240.
constexpr float kMostPixels = 8'000'000;
/// Levels of windows lie at most this far apart: more apart needs larger overlaps.
constexpr float kMostStep = 3;
/// A face's height over its width, and what the network wants to see around it.
constexpr float kRoom = 1.6f;
/// How far beyond the coarser level's least face a level of windows is still believed.
constexpr float kShared = 1.25f;
/// A face that fills the picture's height is this share of it wide.
constexpr float kWidthOfHeight = 0.8f;

/// A second look takes a square of this side, where the network's size is free.
constexpr int kSecondSide = 128;

/// A level is not added for faces that are smaller by less than this.
constexpr float kWorthwhile = 1.1f;

int RoundUp(int pixels) { return (pixels + kStride - 1) / kStride * kStride; }

Size Scaled(Size size, float scale) {
  return {std::max(1, static_cast<int>(std::lround(static_cast<float>(size.width) * scale))),
          std::max(1, static_cast<int>(std::lround(static_cast<float>(size.height) * scale)))};
}

/// One axis of a level cut into stretches of equal length that overlap.
struct Stretches {
  int count;
  int length;

  /// @param most pixels of a stretch.
  Stretches(int pixels, int most, int overlap, bool free_size)
      : count(pixels <= most ? 1 : (pixels - overlap + most - overlap - 1) / (most - overlap)),
        length(!free_size ? std::min(pixels, most) : (pixels + (count - 1) * overlap + count - 1) / count) {}

  int Start(int i, int pixels) const { return count == 1 ? 0 : i * (pixels - length) / (count - 1); }
};

class Plan {
 public:
  Plan(const ScanOptions& options, Size picture) : options_(options), picture_(picture) {
    // A free size is turned with the picture, so that a standing one is seen as large as a lying one.
    if (options.free_size && picture.height > picture.width)
      std::swap(options_.input.width, options_.input.height);
  }

  /// The scale at which the whole picture fits the input.
  float CoarsestScale() const {
    return std::min(static_cast<float>(options_.input.width) / static_cast<float>(picture_.width),
                    static_cast<float>(options_.input.height) / static_cast<float>(picture_.height));
  }

  bool IsOneWindow(float scale) const {
    const Size size = Scaled(picture_, scale);
    if (options_.free_size) return std::max(size.width, size.height) <= kMostSide;
    return size.width <= options_.input.width && size.height <= options_.input.height;
  }

  /// The next level's scale where this one does not show the largest face that fits the picture; else 0.
  float CoarserThan(float scale) const {
    const float coarsest = CoarsestScale();
    if (scale <= coarsest) return 0;
    if (IsOneWindow(scale)) {
      const float largest =
          std::min(static_cast<float>(picture_.width), kWidthOfHeight * static_cast<float>(picture_.height));
      return largest * scale <= options_.most_face ? 0 : coarsest;
    }
    const float steps = std::ceil(std::log(scale / coarsest) / std::log(kMostStep) - 0.01f);
    return steps <= 1 ? coarsest : scale * std::pow(coarsest / scale, 1 / steps);
  }

  /// @param coarser the scale of the level that finds what is too large for this one's windows.
  void AddLevel(float scale, float coarser, std::vector<Window>& windows) const {
    const Size size = Scaled(picture_, scale);
    const Size most = options_.free_size ? Size{kMostSide, kMostSide} : options_.input;
    const int overlap = coarser > 0
                            ? static_cast<int>(std::min({kRoom * options_.least_face * scale / coarser,
                                                         static_cast<float>(most.width) / 2,
                                                         static_cast<float>(most.height) / 2}))
                            : 0;
    const Stretches columns(size.width, most.width, overlap, options_.free_size);
    const Stretches rows(size.height, most.height, overlap, options_.free_size);
    const float to_x = static_cast<float>(picture_.width) / static_cast<float>(size.width);
    const float to_y = static_cast<float>(picture_.height) / static_cast<float>(size.height);
    const float most_face = columns.count * rows.count > 1 && coarser > 0
                                ? kShared * options_.least_face / coarser
                                : std::numeric_limits<float>::infinity();
    const Size content{columns.length, rows.length};
    const Size input =
        options_.free_size ? Size{RoundUp(content.width), RoundUp(content.height)} : options_.input;
    for (int row = 0; row < rows.count; ++row) {
      for (int column = 0; column < columns.count; ++column) {
        windows.push_back(
            {{static_cast<float>(columns.Start(column, size.width)) * to_x,
              static_cast<float>(rows.Start(row, size.height)) * to_y,
              static_cast<float>(content.width) * to_x, static_cast<float>(content.height) * to_y},
             content,
             input,
             most_face});
      }
    }
  }

 private:
  ScanOptions options_;
  Size picture_;
};

}  // namespace

float ScaleFor(const ScanOptions& options, float least_face) {
  return std::min(options.least_face / least_face, 1.0f);
}

std::vector<Window> PlanScan(const ScanOptions& options, Size picture, float least_face) {
  const Plan plan(options, picture);
  const float coarsest = plan.CoarsestScale();
  const float pixels = static_cast<float>(picture.width) * static_cast<float>(picture.height);
  const float wanted = std::min(ScaleFor(options, least_face), std::sqrt(kMostPixels / pixels));
  std::vector<Window> windows;
  std::vector<float> scales = {wanted > kWorthwhile * coarsest ? wanted : coarsest};
  while (const float coarser = plan.CoarserThan(scales.back())) scales.push_back(coarser);
  for (std::size_t i = scales.size(); i-- > 0;) {
    plan.AddLevel(scales[i], i + 1 < scales.size() ? scales[i + 1] : 0, windows);
  }
  return windows;
}

Window SecondLook(const Box& face, const ScanOptions& options, Size picture) {
  const Size input = options.free_size ? Size{kSecondSide, kSecondSide} : options.input;
  const float scale = kSecondFace / face.width;
  // Moved into the picture where it sticks out, cut where the picture is smaller.
  const auto stretch = [&](float centre, int side, int pixels) {
    const float length = std::min(static_cast<float>(side) / scale, static_cast<float>(pixels));
    return std::pair{std::clamp(centre - length / 2, 0.0f, static_cast<float>(pixels) - length), length};
  };
  const auto [left, width] = stretch(face.x + face.width / 2, input.width, picture.width);
  const auto [top, height] = stretch(face.y + face.height / 2, input.height, picture.height);
  const auto pixels = [&](float length, int most) {
    return std::clamp(static_cast<int>(std::lround(length * scale)), 1, most);
  };
  return {{left, top, width, height},
          {pixels(width, input.width), pixels(height, input.height)},
          input,
          std::numeric_limits<float>::infinity()};
}

}  // namespace visage
