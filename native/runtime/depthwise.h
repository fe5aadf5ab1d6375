#pragma once

#include <span>
#include <vector>

#include "runtime/feature_map.h"
#include "runtime/fixed_point.h"

namespace visage::runtime {

/// In floats.
class DepthwiseConvolution {
 public:
  DepthwiseConvolution(const ConvGeometry& geometry, int channels, std::span<const float> weights,
                       Epilogue epilogue);

  void Run(const FeatureMap& in, const FeatureMap& out) const;

 private:
  template <int kStride>
  void RunThree(const FeatureMap& in, const FeatureMap& out) const;
  void RunAny(const FeatureMap& in, const FeatureMap& out) const;

  ConvGeometry geometry_;
  std::vector<float> weights_;
  Epilogue epilogue_;
};

}  // namespace visage::runtime
