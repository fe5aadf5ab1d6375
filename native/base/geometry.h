#pragma once

#include <array>

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

/// In pixels; (x, y) is the top left corner.
struct Box {
  float x = 0;
  float y = 0;
  float width = 0;
  float height = 0;

  float Area() const { return width * height; }
};

/// Left eye, right eye, nose tip, left and right mouth corner; left as seen.
using FivePoints = std::array<Point, 5>;

}  // namespace visage::base
