#include "embed/embedder.h"

#include <array>
#include <cmath>
#include <span>

#include "base/error.h"

namespace visage {

Embedder::Embedder(const EmbedderOptions& options)
    : options_(options),
      session_(std::make_shared<Session>(
          options.network,
          Session::Shape{1, options.input.channel_count(), options.input.height, options.input.width},
          std::vector<Session::Shape>{{1, options.dimension}})),
      glances_(options.views.size(), {{}, std::vector<float>(options.dimension)}) {
  if (options.alignment != "arcface5" && options.alignment != "box") {
    throw Error(ErrorCode::kInternal, "The embedder's alignment is not known: " + options.alignment);
  }
}

std::vector<float> Embedder::Embed(const Picture& image, const Show& show, Team& team) {
  team.Share(glances_.size(), [&](std::size_t view, std::size_t) {
    Glance& glance = glances_[view];
    const std::array<std::span<float>, 1> outputs = {glance.output};
    session_->Run(glance.maker.Make(image, show(options_.views[view]), options_.input), outputs);
  });
  std::vector<float> vector(options_.dimension);
  for (const Glance& glance : glances_) {
    for (std::size_t i = 0; i < vector.size(); ++i) vector[i] += glance.output[i];
  }
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  if (!(squares > 0) || !std::isfinite(squares)) {
    throw Error(ErrorCode::kInternal, "The embedder gave a vector without a direction");
  }
  const float shrink = static_cast<float>(1 / std::sqrt(squares));
  for (float& value : vector) value *= shrink;
  return vector;
}

}  // namespace visage
