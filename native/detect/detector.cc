#include "detect/detector.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <optional>

#include "base/error.h"
#include "detect/merge.h"

namespace visage::detect {
namespace {

/// A box within this share of its width from a window's inner edge counts as cut.
constexpr float kEdge = 0.1f;

constexpr float kLeastScore = 0.05f;

/// Up to this multiple of the least reliable width, scores are too low.
constexpr float kTooNarrow = 1.2f;

/// Limits the cost of many doubtful candidates.
constexpr std::size_t kSecondLooks = 32;
/// The second looks end after this many in a row find no face.
constexpr std::size_t kVainLooks = 8;

base::Box Fitted(const base::Box& box, const BoxFit& fit) {
  const float width = box.width * fit.width, height = box.height * fit.height;
  return {box.x + box.width * (0.5f + fit.x) - width / 2, box.y + box.height * (0.5f + fit.y) - height / 2,
          width, height};
}

/// A face this close to the image's edge counts as cut.
constexpr float kPictureEdge = 0.03f;
/// A cut face, rarely the subject, ranks by this share of its area.
constexpr float kCutFace = 0.75f;

/// A search for the largest face drops doubtful candidates below this share of its width: half of its area.
constexpr float kCompany = 0.7f;

/// Levels differ by more than this factor of their scales.
constexpr float kSameLevel = 1.01f;

/// Pixels of the input per pixel of the image.
float ScaleOf(const Window& window) {
  const float across = window.turn % 2 == 1 ? window.source.height : window.source.width;
  return static_cast<float>(window.content.width) / across;
}

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
  const float least_score = LeastScore();
  const bool is_for_largest = wanted != Wanted::kAll;
  if (const auto glance =
          wanted == Wanted::kLargestRoughly ? PlanGlance(scan_, size, least_face) : std::nullopt) {
    const std::vector<Candidates> shown = LookAtAll(image, {&*glance, 1}, least_score, team);
    const float largest = LargestCertain(shown, image);
    if (largest >= scan_.least_face / ScaleOf(*glance))
      return Joined(image, shown, *glance, kCompany * largest, team);
  }
  const std::vector<Window> windows = PlanScan(scan_, size, least_face);
  std::vector<Candidates> shown;
  std::span<const Window> rest = windows;
  while (!rest.empty()) {
    const auto end = std::ranges::find_if(rest, [&](const Window& window) {
      return is_for_largest && ScaleOf(window) > kSameLevel * ScaleOf(rest.front());
    });
    const std::span<const Window> level = rest.first(static_cast<std::size_t>(end - rest.begin()));
    std::ranges::move(LookAtAll(image, level, least_score, team), std::back_inserter(shown));
    rest = rest.subspan(level.size());
    const float seen_from = scan_.least_face / ScaleOf(level.front());
    if (is_for_largest && LargestCertain(shown, image) >= seen_from) break;
  }
  const Window& finest = windows[shown.size() - 1];
  const float least_doubtful = is_for_largest ? kCompany * LargestCertain(shown, image) : 0;
  return Joined(image, shown, finest, least_doubtful, team);
}

float Detector::LargestCertain(const std::vector<Candidates>& shown, const base::ImageView& image) const {
  float largest = 0;
  for (const Candidates& some : shown) {
    for (const Detection& face : some) {
      if (face.score < options_.certain_from) continue;
      largest = std::max(largest, face.box.width * std::sqrt(RankedArea(face.box, image) / face.box.Area()));
    }
  }
  return largest;
}

float Detector::LeastScore() const {
  return std::min({options_.doubtful_small_from, options_.doubtful_from, options_.score_threshold});
}

std::vector<Detection> Detector::DetectTurned(const runtime::SourceImage& image, float least_face, int turn,
                                              base::Team& team) {
  const std::vector<Window> windows = PlanTurnedScan(scan_, {image.width, image.height}, least_face, turn);
  return Joined(image, LookAtAll(image, windows, LeastScore(), team), windows.back(), 0, team);
}

std::vector<float> Detector::LookAgain(const runtime::SourceImage& image, std::span<const Detection> faces,
                                       const CloseUp& close_up, base::Team& team) {
  std::vector<Window> windows;
  windows.reserve(faces.size());
  for (const Detection& face : faces) {
    windows.push_back(PlanCloseUp(face.box, face.turn, close_up, scan_, {image.width, image.height}));
  }
  const std::vector<Candidates> shown = LookAtAll(image, windows, kLeastScore, team);
  std::vector<float> scores(faces.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    for (const Detection& face : shown[i]) {
      if (IntersectionOverUnion(face.box, faces[i].box) > options_.nms_iou)
        scores[i] = std::max(scores[i], face.score);
    }
  }
  return scores;
}

std::vector<Detection> Detector::Joined(const runtime::SourceImage& image,
                                        const std::vector<Candidates>& shown, const Window& finest,
                                        float least_doubtful, base::Team& team) {
  Candidates found;
  for (const Candidates& some : shown) found.insert(found.end(), some.begin(), some.end());
  std::vector<Detection> faces =
      Settle(image, Merge(std::move(found), options_.nms_iou, options_.average_boxes), ScaleOf(finest),
             least_doubtful, team);
  RankFaces(faces, image);
  return faces;
}

std::vector<Detection> Detector::Settle(const runtime::SourceImage& image, const Candidates& candidates,
                                        float scale, float least_doubtful, base::Team& team) {
  std::vector<Detection> faces, doubtful;
  for (const Detection& candidate : candidates) {
    const float width = candidate.turn % 2 == 1 ? candidate.box.height : candidate.box.width;
    const bool is_small = width * scale < kSecondLook.face;
    const bool is_too_narrow = width * scale < kTooNarrow * scan_.least_face;
    const float from = is_too_narrow ? options_.doubtful_small_from : options_.doubtful_from;
    if (is_small && candidate.score < options_.doubtful_to) {
      if (candidate.score >= from && width >= least_doubtful) doubtful.push_back(candidate);
    } else if (candidate.score >= options_.score_threshold) {
      faces.push_back(candidate);
    }
  }
  std::ranges::stable_sort(doubtful, std::ranges::greater{}, &Detection::score);
  if (doubtful.size() > kSecondLooks) doubtful.resize(kSecondLooks);
  for (std::size_t first = 0, found = 1; first < doubtful.size() && found > 0; first += kVainLooks) {
    const std::size_t count = std::min(kVainLooks, doubtful.size() - first);
    found = LookCloser(image, std::span(doubtful).subspan(first, count), faces, team);
  }
  return Merge(std::move(faces), options_.nms_iou, options_.average_boxes);
}

std::size_t Detector::LookCloser(const runtime::SourceImage& image, std::span<const Detection> doubtful,
                                 Candidates& faces, base::Team& team) {
  std::vector<Window> windows;
  windows.reserve(doubtful.size());
  for (const Detection& candidate : doubtful) {
    windows.push_back(
        PlanCloseUp(candidate.box, candidate.turn, kSecondLook, scan_, {image.width, image.height}));
  }
  const std::vector<Candidates> seen = LookAtAll(image, windows, options_.score_threshold, team);
  const std::size_t before = faces.size();
  for (std::size_t i = 0; i < doubtful.size(); ++i) {
    const auto overlap = [&](const Detection& face) {
      return IntersectionOverUnion(face.box, doubtful[i].box);
    };
    const auto same = std::ranges::max_element(seen[i], {}, overlap);
    if (same != seen[i].end() && overlap(*same) > options_.nms_iou) faces.push_back(*same);
  }
  return faces.size() - before;
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

  const base::Point content{static_cast<float>(window.content.width),
                            static_cast<float>(window.content.height)};
  const auto to_picture = [&](const base::Point& p) {
    const base::Point seen = base::Turned(base::Point{p.x / content.x, p.y / content.y}, window.turn, {1, 1});
    return base::Point{window.source.x + seen.x * window.source.width,
                       window.source.y + seen.y * window.source.height};
  };
  const runtime::InferenceSession::Shape shape = {1, input.channel_count(), input.height, input.width};
  Candidates found;
  const runtime::InferenceSession::Input shown =
      maker.Make(image, base::Resized{window.source, window.content, false, window.turn}, input);
  session_->Run(shown, shape, [&](std::span<const runtime::InferenceSession::Output> outputs) {
    for (Detection& face : read_outputs_(outputs, window.input, least_score)) {
      face.box = Fitted(face.box, options_.box_fit);
      const base::Box seen = base::Turned(base::Box{face.box.x / content.x, face.box.y / content.y,
                                                    face.box.width / content.x, face.box.height / content.y},
                                          window.turn, {1, 1});
      face.box = {window.source.x + seen.x * window.source.width,
                  window.source.y + seen.y * window.source.height, seen.width * window.source.width,
                  seen.height * window.source.height};
      face.turn = window.turn;
      const float width = window.turn % 2 == 1 ? face.box.height : face.box.width;
      if (width > window.most_face || IsCut(face.box, window, image)) continue;
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
