#include "quality/measures.h"

#include <cmath>

namespace visage::quality {
namespace {

constexpr int kSide = 112;
/// The face in the aligned image: between the temples, from brows to chin.
constexpr int kLeft = 24, kRight = 88, kTop = 34, kBottom = 106;
constexpr float kDark = 25, kBright = 247;

class Spread {
 public:
  void Add(double value) {
    ++count_;
    sum_ += value;
    squares_ += value * value;
  }
  double mean() const { return sum_ / count_; }
  double variance() const { return squares_ / count_ - mean() * mean(); }

 private:
  double count_ = 0, sum_ = 0, squares_ = 0;
};

}  // namespace

base::NetworkInput MeasuredInput() {
  return {.width = kSide, .height = kSide, .channels = base::Channels::kGrey};
}

FaceMeasures Measure(std::span<const float> face) {
  Spread light, laplacian;
  int dark = 0, bright = 0;
  for (int y = kTop; y < kBottom; ++y) {
    for (int x = kLeft; x < kRight; ++x) {
      const float* pixel = &face[static_cast<std::size_t>(y) * kSide + x];
      light.Add(*pixel);
      laplacian.Add(pixel[-1] + pixel[1] + pixel[-kSide] + pixel[kSide] - 4 * *pixel);
      dark += *pixel <= kDark;
      bright += *pixel >= kBright;
    }
  }
  constexpr float kPixels = (kRight - kLeft) * (kBottom - kTop);
  const double variance = light.variance();
  return {static_cast<float>(variance > 0 ? laplacian.variance() / variance : 0),
          static_cast<float>(light.mean()), static_cast<float>(std::sqrt(variance)),
          static_cast<float>(dark) / kPixels, static_cast<float>(bright) / kPixels};
}

}  // namespace visage::quality
