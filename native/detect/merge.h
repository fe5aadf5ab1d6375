#pragma once

#include <vector>

#include "detect/detection.h"

namespace visage {

/// 0..1.
float IntersectionOverUnion(const Box& a, const Box& b);

/// One detection a face out of the many that windows and levels have of it.
///
/// Greedy non-maximum suppression, best score first: a box stays unless its intersection over union with one
/// that stays is above `iou`, or it is mostly inside a larger one that stays, being a part of that face.
/// @returns the ones that stay, largest area first.
std::vector<Detection> Merge(std::vector<Detection> candidates, float iou);

}  // namespace visage
