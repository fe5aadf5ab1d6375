#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/geometry.h"
#include "detect/detection.h"
#include "runtime/session.h"

namespace visage {

/// Reads what a network said of one input of `size` pixels.
///
/// @param least_score candidates below it are passed over.
/// @returns candidates in pixels of the input, many a face, not cut to it.
/// @throws Error kInternal if the outputs are not laid out as the decoder expects.
/// Thread-safe.
using ReadOutputs = std::vector<Detection> (*)(std::span<const Session::Output> outputs, Size size,
                                               float least_score);

/// The decoder of a name. @throws Error kInternal if it is not known.
ReadOutputs DecoderOf(const std::string& name);

/// Ultra-Light-Fast RFB: `scores` 1 x N x 2 (background, face) and `boxes` 1 x N x 4, corners in 0..1 of the
/// input, already decoded from their priors.
std::vector<Detection> ReadRfb(std::span<const Session::Output> outputs, Size size, float least_score);

/// YuNet (libfacedetection.train): for strides 8, 16, 32, one prior a cell at the cell's corner, each of
/// `cls` N x 1, `obj` N x 1, `bbox` N x 4 (dx, dy, log width, log height in cells) and `kps` N x 10 (points
/// in cells), first all of `cls`. A score is sqrt(cls obj).
std::vector<Detection> ReadYunet(std::span<const Session::Output> outputs, Size size, float least_score);

/// SCRFD as InsightFace exports it: for strides 8, 16, 32, two priors a cell at the cell's corner, first
/// three outputs of scores N x 1, then three of distances N x 4 (left, top, right, bottom in cells), and
/// where the network has points three of N x 10 (in cells from the prior).
std::vector<Detection> ReadScrfd(std::span<const Session::Output> outputs, Size size, float least_score);

/// RetinaFace with the MobileNet-0.25 backbone (biubug6): for strides 8, 16, 32, two square priors a cell at
/// the cell's centre, of 16 and 32, 64 and 128, 256 and 512 pixels. Outputs 1 x N x 4 (location), 1 x N x 2
/// (background, face) and 1 x N x 10 (points), in any order, with variances 0.1 and 0.2.
std::vector<Detection> ReadRetinaFace(std::span<const Session::Output> outputs, Size size, float least_score);

/// The values of an output of `rows` x `columns`, whatever dimensions of 1 it has before them.
/// @throws Error kInternal if it has another shape.
std::span<const float> Table(const Session::Output& output, std::size_t rows, std::size_t columns);

}  // namespace visage
