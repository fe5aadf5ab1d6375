#pragma once

#include <vector>

#include "detect/detector.h"

namespace visage {

/// Greedy non-maximum suppression: of boxes whose intersection over union is above `iou`, only the one of the
/// best score stays. @returns the ones that stay, largest area first.
std::vector<Detection> Suppress(std::vector<Detection> candidates, float iou);

}  // namespace visage
