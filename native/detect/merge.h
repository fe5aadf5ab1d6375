#pragma once

#include <vector>

#include "detect/detection.h"

namespace visage::detect {

float IntersectionOverUnion(const base::Box& a, const base::Box& b);

/// Greedy non-maximum suppression; also drops a box mostly inside a larger kept box. @returns largest area
/// first. @param average a face's boxes and points, weighted by score.
std::vector<Detection> Merge(std::vector<Detection> candidates, float iou, bool average = false);

/// If intersection over union exceeds 0.3, the more certain box stays.
void AddOthers(const std::vector<Detection>& more, std::vector<Detection>& faces);

}  // namespace visage::detect
