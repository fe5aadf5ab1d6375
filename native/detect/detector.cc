#include "detect/detector.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "base/error.h"
#include "detect/merge.h"

namespace visage::detect {
namespace {

/// A box this close to a window's inner edge, as a share of its width, counts as cut.
constexpr float kEdge = 0.1f;

/// Limits the cost of an image with many doubtful candidates.
constexpr std::size_t kSecondLooks = 32;

base::Box Fitted(const base::Box& box, const BoxFit& fit) {
  const float width = box.width * fit.width, height = box.height * fit.height;
  return {box.x + box.width * (0.5f + fit.x) - width / 2, box.y + box.height * (0.5f + fit.y) - height / 2,
          width, height};
}

/// A face this close to the image's edge counts as cut.
constexpr float kPictureEdge = 0.03f;
/// A cut face is rarely the subject, so it ranks with this share of its area.
constexpr float kCutFace = 0.75f;

/// Minimum width of other faces with `kLargest`, over the largest face's width.
constexpr float kCompany = 0.5f;

float RankedArea(const base::Box& box, const base::ImageView& image) {
  const float width = static_cast<float>(image.width), height = static_cast<float>(image.height);
  const bool is_cut = box.x < kPictureEdge * width || box.x + box.width > (1 - kPictureEdge) * width ||
                      box.y < kPictureEdge * height || box.y + box.height > (1 - kPictureEdge) * height;
  return is_cut ? kCutFace * box.Area() : box.Area();
}

void RankFaces(std::vector<Detection>& faces, const base::ImageView& image) {
  std::ranges::stable_sort(faces, std::ranges::greater{},
                           [&](const Detection& face) { return RankedArea(face.box, image); });
}

bool IsCut(const base::Box& box, const Window& window, const base::ImageView& image) {
  const base::Box& seen = window.source;
  const float edge = kEdge * box.width;
  const float right = seen.x + seen.width, bottom = seen.y + seen.height;
  return (seen.x > 0.5f && box.x < seen.x + edge) || (seen.y > 0.5f && box.y < seen.y + edge) ||
         (right < static_cast<float>(image.width) - 0.5f && box.x + box.width > right - edge) ||
         (bottom < static_cast<float>(image.height) - 0.5f && box.y + box.height > bottom - edge);
}

base::Box Clamped(const base::Box& box, const base::ImageView& image) {
  const float width = static_cast<float>(image.width), height = static_cast<float>(image.height);
  const float left = std::clamp(box.x, 0.0f, width), top = std::clamp(box.y, 0.0f, height);
  return {left, top, std::clamp(box.x + box.width, 0.0f, width) - left,
          std::clamp(box.y + box.height, 0.0f, height) - top};
}

}  // namespace

Detector::Detector(const DetectorOptions& options)
    : options_(options),
      read_outputs_(DecoderOf(options.decoder)),
      session_(std::make_shared<runtime::InferenceSession>(options.network,
                                                           runtime::InferenceSession::Sizes::kFree)),
      scan_{.input = {options.input.width, options.input.height},
            .free_size = session_->input_shape().size() == 4 && session_->input_shape()[2] < 0 &&
                         session_->input_shape()[3] < 0,
            .least_face = options.least_face,
            .most_face = options.most_face} {
  try {
    base::Image empty(options.input.width, options.input.height);
    std::fill_n(empty.data(), empty.size_bytes(), std::uint8_t{0});
    base::Alone alone;
    Detect(empty.view(), options.most_face, Wanted::kAll, alone);
  } catch (const std::exception& cause) {
    throw base::Error(base::ErrorCode::kInternal,
                      "The detector " + std::filesystem::path(options.network.file).filename().string() +
                          " cannot be used as " + options.decoder + ": " + cause.what());
  }
}

std::vector<Detection> Detector::Detect(const runtime::SourceImage& image, float least_face, Wanted wanted,
                                        base::Team& team) {
  runs_ = 0;
  const base::Size size = {image.width, image.height};
  const float least_score = std::min(options_.doubtful_from, options_.score_threshold);
  std::vector<Window> windows = PlanScan(scan_, size, least_face);
  const Window whole = windows.front();
  std::vector<Candidates> shown = LookAtAll(image, {&whole, 1}, least_score, team);
  if (wanted == Wanted::kLargest && windows.size() > 1) {
    Candidates sure = Merge(shown.front(), options_.nms_iou);
    const float sure_score = std::max(options_.doubtful_to, options_.score_threshold);
    std::erase_if(sure, [&](const Detection& face) { return face.score < sure_score; });
    RankFaces(sure, image);
    if (!sure.empty())
      windows = PlanScan(scan_, size, std::max(least_face, kCompany * sure.front().box.width));
  }
  std::span<const Window> finer = windows;
  if (finer.front().content == whole.content) finer = finer.subspan(1);
  std::ranges::move(LookAtAll(image, finer, least_score, team), std::back_inserter(shown));

  Candidates found;
  for (const Candidates& some : shown) found.insert(found.end(), some.begin(), some.end());
  const Window& finest = windows.back();
  std::vector<Detection> faces = Settle(image, Merge(std::move(found), options_.nms_iou),
                                        static_cast<float>(finest.content.width) / finest.source.width, team);
  RankFaces(faces, image);
  return faces;
}

std::vector<Detection> Detector::Settle(const runtime::SourceImage& image, const Candidates& candidates,
                                        float scale, base::Team& team) {
  std::vector<Detection> faces, doubtful;
  for (const Detection& candidate : candidates) {
    const bool is_small = candidate.box.width * scale < kSecondFace;
    if (is_small && candidate.score < options_.doubtful_to) {
      doubtful.push_back(candidate);
    } else if (candidate.score >= options_.score_threshold) {
      faces.push_back(candidate);
    }
  }
  std::ranges::stable_sort(doubtful, std::ranges::greater{}, &Detection::score);
  if (doubtful.size() > kSecondLooks) doubtful.resize(kSecondLooks);
  std::vector<Window> windows;
  windows.reserve(doubtful.size());
  for (const Detection& candidate : doubtful) {
    windows.push_back(SecondLook(candidate.box, scan_, {image.width, image.height}));
  }
  const std::vector<Candidates> seen = LookAtAll(image, windows, options_.score_threshold, team);
  for (std::size_t i = 0; i < doubtful.size(); ++i) {
    const auto overlap = [&](const Detection& face) {
      return IntersectionOverUnion(face.box, doubtful[i].box);
    };
    const auto same = std::ranges::max_element(seen[i], {}, overlap);
    if (same != seen[i].end() && overlap(*same) > options_.nms_iou) faces.push_back(*same);
  }
  return Merge(std::move(faces), options_.nms_iou);
}

std::vector<Detector::Candidates> Detector::LookAtAll(const runtime::SourceImage& image,
                                                      std::span<const Window> windows, float least_score,
                                                      base::Team& team) {
  if (makers_.size() < team.seats()) makers_.resize(team.seats());
  runs_ += windows.size();
  std::vector<Candidates> shown(windows.size());
  team.Share(windows.size(), [&](std::size_t i, std::size_t seat) {
    shown[i] = Look(image, windows[i], least_score, makers_[seat]);
  });
  return shown;
}

Detector::Candidates Detector::Look(const runtime::SourceImage& image, const Window& window,
                                    float least_score, runtime::InputMaker& maker) const {
  base::NetworkInput input = options_.input;
  input.width = window.input.width;
  input.height = window.input.height;

  const float to_x = window.source.width / static_cast<float>(window.content.width);
  const float to_y = window.source.height / static_cast<float>(window.content.height);
  const auto to_picture = [&](base::Point p) {
    return base::Point{window.source.x + p.x * to_x, window.source.y + p.y * to_y};
  };
  const runtime::InferenceSession::Shape shape = {1, input.channel_count(), input.height, input.width};
  Candidates found;
  const runtime::InferenceSession::Input shown =
      maker.Make(image, base::Resized{window.source, window.content}, input);
  session_->Run(shown, shape, [&](std::span<const runtime::InferenceSession::Output> outputs) {
    for (Detection& face : read_outputs_(outputs, window.input, least_score)) {
      face.box = Fitted(face.box, options_.box_fit);
      const base::Point corner = to_picture({face.box.x, face.box.y});
      face.box = {corner.x, corner.y, face.box.width * to_x, face.box.height * to_y};
      if (face.box.width > window.most_face || IsCut(face.box, window, image)) continue;
      face.box = Clamped(face.box, image);
      // Rejects NaN.
      if (!(face.box.width >= 1 && face.box.height >= 1)) continue;
      if (face.points) std::ranges::transform(*face.points, face.points->begin(), to_picture);
      found.push_back(face);
    }
  });
  return found;
}

}  // namespace visage::detect
