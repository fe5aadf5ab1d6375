#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/feature_map.h"
#include "runtime/fixed_point.h"

namespace visage::runtime {

/// A dense convolution by `FixedPointMatrix`.
///
/// A 1 x 1 kernel quantises small groups of pixels. A larger kernel quantises the whole input once, because
/// several outputs read each pixel.
class DenseConvolution {
 public:
  DenseConvolution(const ConvGeometry& geometry, int inputs, int outputs, std::span<const float> weights,
                   Epilogue epilogue);

  /// @param added null, or values to add before the activation; may be `out`.
  void Run(const FeatureMap& in, const float* added, const FeatureMap& out) const;

 private:
  void RunPoints(const FeatureMap& in, const float* added, const FeatureMap& out) const;
  void RunWindows(const FeatureMap& in, const float* added, const FeatureMap& out) const;
  int BlockRows() const;

  ConvGeometry geometry_;
  int inputs_;
  FixedPointMatrix matrix_;
  Epilogue epilogue_;
};

}  // namespace visage::runtime
