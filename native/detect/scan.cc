#include "detect/scan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace visage::detect {
namespace {

/// The coarsest stride of all decoders.
constexpr int kStride = 32;
/// A run takes about 60 bytes per pixel.
constexpr int kMostSide = 1024;
constexpr float kMostPixels = 8'000'000;
constexpr float kMostStep = 3;
/// A face's height, with the network's margin, over its width.
constexpr float kRoom = 1.6f;
/// A level's windows accept faces up to this multiple of the coarser level's minimum.
constexpr float kShared = 1.25f;
constexpr float kWidthOfHeight = 0.8f;

constexpr float kWorthwhile = 1.1f;
/// Least factor between the scales of a glance and of the scan.
constexpr float kGlance = 2;

int RoundUp(int pixels) { return (pixels + kStride - 1) / kStride * kStride; }

base::Size Scaled(base::Size size, float scale) {
  return {std::max(1, static_cast<int>(std::lround(static_cast<float>(size.width) * scale))),
          std::max(1, static_cast<int>(std::lround(static_cast<float>(size.height) * scale)))};
}

struct Tiling {
  int count;
  int length;

  Tiling(int pixels, int most, int overlap, bool free_size)
      : count(pixels <= most ? 1 : (pixels - overlap + most - overlap - 1) / (most - overlap)),
        length(!free_size ? std::min(pixels, most) : (pixels + (count - 1) * overlap + count - 1) / count) {}

  int Start(int i, int pixels) const { return count == 1 ? 0 : i * (pixels - length) / (count - 1); }
};

class Plan {
 public:
  Plan(const ScanOptions& options, base::Size picture) : options_(options), picture_(picture) {
    // Gives portraits the scale of landscapes.
    if (options.free_size && picture.height > picture.width)
      std::swap(options_.input.width, options_.input.height);
  }

  float CoarsestScale() const {
    return std::min(static_cast<float>(options_.input.width) / static_cast<float>(picture_.width),
                    static_cast<float>(options_.input.height) / static_cast<float>(picture_.height));
  }

  bool IsOneWindow(float scale) const {
    const base::Size size = Scaled(picture_, scale);
    if (options_.free_size) return std::max(size.width, size.height) <= kMostSide;
    return size.width <= options_.input.width && size.height <= options_.input.height;
  }

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

  /// @param coarser scale of the level for larger faces; 0 for none.
  void AddLevel(float scale, float coarser, std::vector<Window>& windows) const {
    const base::Size size = Scaled(picture_, scale);
    const base::Size most = options_.free_size ? base::Size{kMostSide, kMostSide} : options_.input;
    const int overlap = coarser > 0
                            ? static_cast<int>(std::min({kRoom * options_.least_face * scale / coarser,
                                                         static_cast<float>(most.width) / 2,
                                                         static_cast<float>(most.height) / 2}))
                            : 0;
    const Tiling columns(size.width, most.width, overlap, options_.free_size);
    const Tiling rows(size.height, most.height, overlap, options_.free_size);
    const float to_x = static_cast<float>(picture_.width) / static_cast<float>(size.width);
    const float to_y = static_cast<float>(picture_.height) / static_cast<float>(size.height);
    const float most_face = columns.count * rows.count > 1 && coarser > 0
                                ? kShared * options_.least_face / coarser
                                : std::numeric_limits<float>::infinity();
    const base::Size content{columns.length, rows.length};
    const base::Size input =
        options_.free_size ? base::Size{RoundUp(content.width), RoundUp(content.height)} : options_.input;
    for (int row = 0; row < rows.count; ++row) {
      for (int column = 0; column < columns.count; ++column) {
        windows.push_back(
            {{static_cast<float>(columns.Start(column, size.width)) * to_x,
              static_cast<float>(rows.Start(row, size.height)) * to_y,
              static_cast<float>(content.width) * to_x, static_cast<float>(content.height) * to_y},
             0,
             content,
             input,
             most_face});
      }
    }
  }

 private:
  ScanOptions options_;
  base::Size picture_;
};

}  // namespace

float ScaleFor(const ScanOptions& options, float least_face) {
  return std::min(options.least_face / least_face, 1.0f);
}

std::vector<Window> PlanScan(const ScanOptions& options, base::Size picture, float least_face) {
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

std::optional<Window> PlanGlance(const ScanOptions& options, base::Size picture, float least_face) {
  const std::vector<Window> scan = PlanScan(options, picture, least_face);
  const Plan plan(options, picture);
  std::vector<Window> glance;
  plan.AddLevel(plan.CoarsestScale(), 0, glance);
  const auto width = [](const Window& window) { return static_cast<float>(window.content.width); };
  if (scan.size() > 1 || width(scan.front()) < kGlance * width(glance.front())) return std::nullopt;
  return glance.front();
}

std::vector<Window> PlanTurnedScan(const ScanOptions& options, base::Size picture, float least_face,
                                   int turn) {
  const bool is_on_side = turn % 2 == 1;
  const base::Size upright = is_on_side ? base::Size{picture.height, picture.width} : picture;
  const base::Point size{static_cast<float>(picture.width), static_cast<float>(picture.height)};
  std::vector<Window> windows = PlanScan(options, upright, least_face);
  for (Window& window : windows) {
    window.source = base::Turned(window.source, turn, size);
    window.turn = turn;
  }
  return windows;
}

Window PlanCloseUp(const base::Box& face, int turn, const CloseUp& shown, const ScanOptions& options,
                   base::Size picture) {
  const base::Size input = options.free_size ? base::Size{shown.side, shown.side} : options.input;
  const bool is_on_side = turn % 2 == 1;
  const base::Size before = is_on_side ? base::Size{input.height, input.width} : input;
  const float scale = shown.face / (is_on_side ? face.height : face.width);
  const auto stretch = [&](float centre, int side, int pixels) {
    const float length = std::min(static_cast<float>(side) / scale, static_cast<float>(pixels));
    return std::pair{std::clamp(centre - length / 2, 0.0f, static_cast<float>(pixels) - length), length};
  };
  const auto [left, across] = stretch(face.x + face.width / 2, before.width, picture.width);
  const auto [top, down] = stretch(face.y + face.height / 2, before.height, picture.height);
  const auto pixels = [&](float length, int most) {
    return std::clamp(static_cast<int>(std::lround(length * scale)), 1, most);
  };
  base::Size content{pixels(across, before.width), pixels(down, before.height)};
  if (is_on_side) std::swap(content.width, content.height);
  return {{left, top, across, down}, turn, content, input, std::numeric_limits<float>::infinity()};
}

}  // namespace visage::detect
