/// How near the exact search of one gallery comes to the memory's speed, on one thread.
///
///   cmake --build build --target visage_scan
///   build/visage_scan 100000 512 100 [KERNEL]
///
/// Searches for random unit vectors among random unit vectors, alternating with a plain read of as much memory as the
/// search reads of the rows' high plane. Prints one JSON object: `search` and `read`, the least and the middle
/// milliseconds of each, gigabytes a second, `ratio` of the least search to the least read, and the largest error of a
/// score against doubles.

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include "search/codes.h"
#include "search/exact.h"

namespace {

using visage::Codes;

std::vector<float> UnitVector(std::mt19937& random, std::size_t dimension) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(dimension);
  double squares = 0;
  for (float& value : vector) {
    value = normal(random);
    squares += static_cast<double>(value) * value;
  }
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(squares));
  return vector;
}

}  // namespace
