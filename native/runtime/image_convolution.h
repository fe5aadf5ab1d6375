#pragma once

#include <span>
#include <vector>

#include "runtime/feature_map.h"
#include "runtime/fixed_point.h"

namespace visage::runtime {

/// A network's first convolution, in floats: an image has too few channels for quantising to pay.
class ImageConvolution {
 public:
  ImageConvolution(const ConvGeometry& geometry, int inputs, int outputs, std::span<const float> weights,
                   Epilogue epilogue);

  /// @param in has lane 1. @param out has lane `kLane`.
  void Run(const FeatureMap& in, const FeatureMap& out) const;

 private:
  ConvGeometry geometry_;
  std::vector<float> weights_;
  Epilogue epilogue_;
};

}  // namespace visage::runtime
