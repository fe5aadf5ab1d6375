#include "align/similarity.h"

namespace visage {
namespace {

Point Mean(const FivePoints& points) {
  Point sum;
  for (const Point& p : points) {
    sum.x += p.x;
    sum.y += p.y;
  }
  return {sum.x / points.size(), sum.y / points.size()};
}

}  // namespace

SimilarityTransform FitSimilarity(const FivePoints& from, const FivePoints& to) {
  const Point from_mean = Mean(from);
  const Point to_mean = Mean(to);
  double along = 0, across = 0, variance = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double x = from[i].x - from_mean.x, y = from[i].y - from_mean.y;
    const double u = to[i].x - to_mean.x, v = to[i].y - to_mean.y;
    along += x * u + y * v;
    across += x * v - y * u;
    variance += x * x + y * y;
  }
  SimilarityTransform fit;
  if (variance > 0) {
    fit.a = static_cast<float>(along / variance);
    fit.b = static_cast<float>(across / variance);
  }
  fit.shift_x = to_mean.x - (fit.a * from_mean.x - fit.b * from_mean.y);
  fit.shift_y = to_mean.y - (fit.b * from_mean.x + fit.a * from_mean.y);
  return fit;
}

}  // namespace visage
