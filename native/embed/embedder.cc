#include "embed/embedder.h"

#include <array>
#include <cmath>
#include <span>

#include "base/error.h"

namespace visage::embed {

Embedder::Embedder(const EmbedderOptions& options)
    : options_(options),
      session_(std::make_shared<runtime::InferenceSession>(
          options.network,
          runtime::InferenceSession::Shape{1, options.input.channel_count(), options.input.height,
                                           options.input.width},
          std::vector<runtime::InferenceSession::Shape>{{1, options.dimension}})),
      buffers_(options.views.size(), {{}, std::vector<float>(options.dimension)}) {
  if (options.alignment != "arcface5" && options.alignment != "box") {
    throw base::Error(base::ErrorCode::kInternal,
                      "embedder.alignment: expected arcface5 or box, got " + options.alignment);
  }
}

std::vector<float> Embedder::Embed(const runtime::SourceImage& image, const Show& show, base::Team& team) {
  team.Share(buffers_.size(), [&](std::size_t view, std::size_t) {
    RunBuffers& buffers = buffers_[view];
    const std::array<std::span<float>, 1> outputs = {buffers.output};
    session_->Run(buffers.maker.Make(image, show(options_.views[view]), options_.input), outputs);
  });
  std::vector<float> vector(options_.dimension);
  for (const RunBuffers& buffers : buffers_) {
    for (std::size_t i = 0; i < vector.size(); ++i) vector[i] += buffers.output[i];
  }
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  if (!(squares > 0) || !std::isfinite(squares)) {
    throw base::Error(base::ErrorCode::kInternal,
                      "The embedding network returned a zero vector for this face");
  }
  const float shrink = static_cast<float>(1 / std::sqrt(squares));
  for (float& value : vector) value *= shrink;
  return vector;
}

}  // namespace visage::embed
