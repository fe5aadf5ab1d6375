#pragma once

#include <algorithm>
#include <array>
#include <cmath>

namespace visage::base {

/// In pixels; the centre of the top left pixel is (0.5, 0.5).
struct Point {
  float x = 0;
  float y = 0;
};

struct Size {
  int width = 0;
  int height = 0;

  bool operator==(const Size&) const = default;
};

/// Longer side, or that of a 4:3 image of the same area if shorter: a bound of the area.
inline float Extent(Size size) {
  const float longer = static_cast<float>(std::max(size.width, size.height));
  return std::min(longer,
                  std::sqrt(static_cast<float>(size.width) * static_cast<float>(size.height) * 4 / 3));
}

/// In pixels; (x, y) is the top left corner.
struct Box {
  float x = 0;
  float y = 0;
  float width = 0;
  float height = 0;

  float Area() const { return width * height; }
};

/// Maps a point of an upright view to the turned view of `size` pixels.
/// @param turn clockwise quarter turns, 0..3.
inline Point Turned(const Point& p, int turn, const Point& size) {
  switch (turn) {
    case 1:
      return {size.x - p.y, p.x};
    case 2:
      return {size.x - p.x, size.y - p.y};
    case 3:
      return {p.y, size.y - p.x};
    default:
      return p;
  }
}

inline Box Turned(const Box& box, int turn, const Point& size) {
  const Point a = Turned(Point{box.x, box.y}, turn, size);
  const Point b = Turned(Point{box.x + box.width, box.y + box.height}, turn, size);
  return {a.x < b.x ? a.x : b.x, a.y < b.y ? a.y : b.y, a.x < b.x ? b.x - a.x : a.x - b.x,
          a.y < b.y ? b.y - a.y : a.y - b.y};
}

/// Left eye, right eye, nose tip, left and right mouth corner; left as seen.
using FivePoints = std::array<Point, 5>;

}  // namespace visage::base
