#include "align/similarity.h"

namespace visage::align {
namespace {

base::Point Mean(const base::FivePoints& points) {
  base::Point sum;
  for (const base::Point& p : points) {
    sum.x += p.x;
    sum.y += p.y;
  }
  return {sum.x / points.size(), sum.y / points.size()};
}

}  // namespace

base::Affine FitSimilarity(const base::FivePoints& from, const base::FivePoints& to) {
  const base::Point from_mean = Mean(from);
  const base::Point to_mean = Mean(to);
  double along = 0, across = 0, variance = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double x = from[i].x - from_mean.x, y = from[i].y - from_mean.y;
    const double u = to[i].x - to_mean.x, v = to[i].y - to_mean.y;
    along += x * u + y * v;
    across += x * v - y * u;
    variance += x * x + y * y;
  }
  float scaled_cos = 1, scaled_sin = 0;
  if (variance > 0) {
    scaled_cos = static_cast<float>(along / variance);
    scaled_sin = static_cast<float>(across / variance);
  }
  return {scaled_cos,
          -scaled_sin,
          scaled_sin,
          scaled_cos,
          to_mean.x - (scaled_cos * from_mean.x - scaled_sin * from_mean.y),
          to_mean.y - (scaled_sin * from_mean.x + scaled_cos * from_mean.y)};
}

}  // namespace visage::align
