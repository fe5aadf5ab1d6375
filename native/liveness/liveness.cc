#include "liveness/liveness.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/softmax.h"

namespace visage::liveness {
namespace {

base::Framing FramingOf(const LookOptions& look, const base::Box& box, int turn,
                        const base::ImageView& image) {
  const base::Box crop = base::Grown(box, look.shape, look.scale);
  const base::Size size = {look.input.width, look.input.height};
  if (!look.is_padded) return base::Resized{base::MovedInside(crop, image), size, false, turn};
  const bool is_on_side = turn % 2 == 1;
  const float step_x = (is_on_side ? crop.height : crop.width) / static_cast<float>(size.width);
  const float step_y = (is_on_side ? crop.width : crop.height) / static_cast<float>(size.height);
  const auto place = [&](const base::Point& p) { return base::Turned(p, turn, {crop.width, crop.height}); };
  const base::Point corner = place({0, 0}), right = place({step_x, 0}), below = place({0, step_y});
  const base::Affine back = {.xx = right.x - corner.x,
                             .xy = below.x - corner.x,
                             .yx = right.y - corner.y,
                             .yy = below.y - corner.y,
                             .shift_x = crop.x + corner.x,
                             .shift_y = crop.y + corner.y};
  return base::Warped{back, std::max(step_x, step_y)};
}

}  // namespace

Liveness::Liveness(const std::vector<LookOptions>& looks) {
  for (const LookOptions& options : looks) {
    const auto same = std::ranges::find_if(looks_, [&](const Look& look) {
      return look.options.network.file == options.network.file && look.options.classes == options.classes &&
             look.options.input.size() == options.input.size();
    });
    auto session = same != looks_.end()
                       ? same->session
                       : std::make_shared<runtime::InferenceSession>(
                             options.network,
                             runtime::InferenceSession::Shape{1, options.input.channel_count(),
                                                              options.input.height, options.input.width},
                             std::vector<runtime::InferenceSession::Shape>{{1, options.classes}});
    looks_.push_back({options, std::move(session), {}, std::vector<float>(options.classes)});
  }
}

std::vector<float> Liveness::Classify(const runtime::SourceImage& image, const base::Box& box, int turn,
                                      base::Team& team) {
  team.Share(looks_.size(), [&](std::size_t item, std::size_t) {
    Look& look = looks_[item];
    const std::array<std::span<float>, 1> outputs = {look.classes};
    look.session->Run(look.maker.Make(image, FramingOf(look.options, box, turn, image), look.options.input),
                      outputs);
    base::Softmax(look.classes);
  });
  std::vector<float> classes;
  for (const Look& look : looks_) classes.insert(classes.end(), look.classes.begin(), look.classes.end());
  return classes;
}

}  // namespace visage::liveness
