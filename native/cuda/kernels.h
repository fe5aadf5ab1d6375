#pragma once

#include "base/geometry.h"
#include "base/image.h"
#include "base/network_input.h"
#include "base/pixel.h"

struct CUstream_st;

namespace visage::cuda {

/// What the CPU path does in `Resampler::Run` and in the aligner, on a GPU, by the same functions of a pixel
/// (`base/pixel.h`): from a picture in the GPU's memory straight into a network's input there.
///
/// Both return before the work is done, which is queued on `stream`, and give CUDA's error code: 0 for none.
/// `image.data` and `out`, `input.size()` floats, are addresses of the GPU's memory.

/// Resizes a rectangle of the picture; parameters as `Resampler::Run`'s.
int Letterbox(const ImageView& image, const Box& source, const NetworkInput& input, int width, int height,
              float* out, CUstream_st* stream);

/// Fills the input with what lies at `back(x, y)` in the picture.
/// @param mirrored whether left and right of the result are changed.
/// @param step pixels of the picture that one of the input covers.
int Warp(const ImageView& image, const Affine& back, float step, const NetworkInput& input, bool mirrored,
         float* out, CUstream_st* stream);

}  // namespace visage::cuda
