#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "detect/detection.h"
#include "runtime/inference_session.h"

namespace visage::detect {

/// Reads outputs for an input of `size` pixels. Thread-safe. @returns unclipped candidates in pixels of the
/// input, several per face. @throws kInternal for unexpected outputs.
using ReadOutputs = std::vector<Detection> (*)(std::span<const runtime::InferenceSession::Output> outputs,
                                               base::Size size, float least_score);

/// @throws kInternal for an unknown name.
ReadOutputs DecoderOf(const std::string& name);

/// Ultra-Light-Fast RFB: `scores` 1 x N x 2 (background, face) and decoded `boxes` 1 x N x 4, corners in
/// 0..1.
std::vector<Detection> ReadRfb(std::span<const runtime::InferenceSession::Output> outputs, base::Size size,
                               float least_score);

/// YuNet (libfacedetection.train), strides 8, 16, 32, one prior at each cell's corner: `cls` N x 1, `obj` N x
/// 1, `bbox` N x 4 (dx, dy, log width, log height in cells), `kps` N x 10 (in cells). Score: sqrt(cls obj).
std::vector<Detection> ReadYunet(std::span<const runtime::InferenceSession::Output> outputs, base::Size size,
                                 float least_score);

/// InsightFace's SCRFD, strides 8, 16, 32, two priors at each cell's corner: scores N x 1, distances N x 4
/// (left, top, right, bottom in cells), optionally points N x 10 (in cells).
std::vector<Detection> ReadScrfd(std::span<const runtime::InferenceSession::Output> outputs, base::Size size,
                                 float least_score);

/// RetinaFace with MobileNet-0.25 (biubug6), strides 8, 16, 32, two square priors at each cell's centre. 1 x
/// N x 4 (location), 1 x N x 2 (background, face) and 1 x N x 10 (points) in any order; variances 0.1 and
/// 0.2.
std::vector<Detection> ReadRetinaFace(std::span<const runtime::InferenceSession::Output> outputs,
                                      base::Size size, float least_score);

/// A list of N values is a table of 1 x N. @throws kInternal for another shape.
std::span<const float> Table(const runtime::InferenceSession::Output& output, std::size_t rows,
                             std::size_t columns);

}  // namespace visage::detect
