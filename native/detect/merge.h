#pragma once

#include <vector>

#include "detect/detection.h"

namespace visage::detect {

float IntersectionOverUnion(const base::Box& a, const base::Box& b);

/// Greedy non-maximum suppression. Also drops a box that lies mostly inside a larger kept box. @returns
/// largest area first. @param average the boxes and points of a face's candidates, weighted by score.
std::vector<Detection> Merge(std::vector<Detection> candidates, float iou, bool average = false);

/// Of two boxes with an intersection over union above 0.3, the more certain one stays.
void AddOthers(const std::vector<Detection>& more, std::vector<Detection>& faces);

}  // namespace visage::detect
