#include "addon/pipeline_options.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "addon/arguments.h"

namespace visage::addon {
namespace {

constexpr int kMostSide = 4096;
constexpr int kMostDimensions = 65536;
constexpr std::uint32_t kMostViews = 8;
constexpr std::uint32_t kMostLooks = 8;

/// One number for all channels, or three.
std::array<float, 3> ParsePerChannel(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) {
    const float all = Number(value, name);
    return {all, all, all};
  }
  const Napi::Array list = value.As<Napi::Array>();
  if (list.Length() != 3) throw Napi::TypeError::New(value.Env(), name + " must have three numbers");
  std::array<float, 3> each{};
  for (std::uint32_t i = 0; i < each.size(); ++i) each[i] = Number(list.Get(i), name);
  return each;
}

std::vector<base::FaceView> ParseViews(const Napi::Value& value) {
  if (value.IsUndefined()) return {base::FaceView{}};
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "embedder.views must be a list");
  const Napi::Array list = value.As<Napi::Array>();
  if (list.Length() < 1 || list.Length() > kMostViews) {
    throw Napi::TypeError::New(value.Env(), "embedder.views must have 1 to 8 entries");
  }
  std::vector<base::FaceView> views;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Object view = Object(list.Get(i), "embedder.views");
    views.push_back({.context = static_cast<float>(Number(view.Get("context"), "embedder.views.context")),
                     .mirrored = view.Get("mirrored").ToBoolean().Value()});
  }
  return views;
}

base::NetworkInput ParseInput(const Napi::Object& stage, const std::string& name) {
  const Napi::Object value = Object(stage.Get("input"), name + ".input");
  base::NetworkInput input;
  input.width = static_cast<int>(WholeNumber(value.Get("width"), name + ".input.width", 1, kMostSide));
  input.height = static_cast<int>(WholeNumber(value.Get("height"), name + ".input.height", 1, kMostSide));
  const std::string channels = Text(value.Get("channels"), name + ".input.channels");
  if (channels == "RGB") {
    input.channels = base::Channels::kRgb;
  } else if (channels == "BGR") {
    input.channels = base::Channels::kBgr;
  } else if (channels == "GREY") {
    input.channels = base::Channels::kGrey;
  } else {
    throw Napi::TypeError::New(stage.Env(), name + ".input.channels must be RGB, BGR or GREY");
  }
  input.mean = ParsePerChannel(value.Get("mean"), name + ".input.mean");
  input.scale = ParsePerChannel(value.Get("scale"), name + ".input.scale");
  return input;
}

std::vector<liveness::LookOptions> ParseLooks(const Napi::Value& value, const runtime::Device& device) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "liveness must be a list");
  const Napi::Array list = value.As<Napi::Array>();
  if (list.Length() < 1 || list.Length() > kMostLooks) {
    throw Napi::TypeError::New(value.Env(), "liveness must have 1 to 8 entries");
  }
  std::vector<liveness::LookOptions> looks;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Object look = Object(list.Get(i), "liveness");
    const Napi::Object crop = Object(look.Get("crop"), "liveness.crop");
    liveness::LookOptions& parsed = looks.emplace_back();
    parsed.network = {Text(look.Get("file"), "liveness.file"), device};
    parsed.input = ParseInput(look, "liveness");
    parsed.shape = Text(crop.Get("mode"), "liveness.crop.mode") == "box" ? base::CropShape::kBox
                                                                         : base::CropShape::kSquare;
    parsed.scale = Number(crop.Get("scale"), "liveness.crop.scale");
    parsed.is_padded = Text(crop.Get("padding"), "liveness.crop.padding") == "black";
    parsed.classes =
        static_cast<int>(Object(look.Get("classes"), "liveness.classes").As<Napi::Array>().Length());
  }
  return looks;
}

}  // namespace

pipeline::PipelineOptions ParsePipelineOptions(const Napi::Value& value, const runtime::Device& device) {
  const Napi::Object options = Object(value, "options");
  const Napi::Object detector = Object(options.Get("detector"), "detector");
  const Napi::Object landmarks = Object(options.Get("landmarks"), "landmarks");
  const Napi::Object embedder = Object(options.Get("embedder"), "embedder");
  pipeline::PipelineOptions parsed;
  parsed.detector.network = {Text(detector.Get("file"), "detector.file"), device};
  parsed.detector.decoder = Text(detector.Get("decoder"), "detector.decoder");
  parsed.detector.input = ParseInput(detector, "detector");
  const Napi::Object widths = Object(detector.Get("faceWidths"), "detector.faceWidths");
  parsed.detector.least_face = Number(widths.Get("least"), "detector.faceWidths.least");
  parsed.detector.most_face = Number(widths.Get("most"), "detector.faceWidths.most");
  parsed.detector.score_threshold = Number(detector.Get("scoreThreshold"), "detector.scoreThreshold");
  if (const Napi::Value value = detector.Get("boxFit"); !value.IsUndefined()) {
    const Napi::Object fit = Object(value, "detector.boxFit");
    parsed.detector.box_fit = {Number(fit.Get("x"), "detector.boxFit.x"),
                               Number(fit.Get("y"), "detector.boxFit.y"),
                               Number(fit.Get("width"), "detector.boxFit.width"),
                               Number(fit.Get("height"), "detector.boxFit.height")};
  }
  parsed.detector.doubtful_from = parsed.detector.doubtful_to = parsed.detector.score_threshold;
  parsed.detector.doubtful_small_from = parsed.detector.score_threshold;
  if (const Napi::Value value = detector.Get("doubtful"); !value.IsUndefined()) {
    const Napi::Object doubtful = Object(value, "detector.doubtful");
    parsed.detector.doubtful_from = Number(doubtful.Get("from"), "detector.doubtful.from");
    parsed.detector.doubtful_to = Number(doubtful.Get("to"), "detector.doubtful.to");
    parsed.detector.doubtful_small_from = parsed.detector.doubtful_from;
    if (const Napi::Value small = doubtful.Get("smallFrom"); !small.IsUndefined())
      parsed.detector.doubtful_small_from = Number(small, "detector.doubtful.smallFrom");
  }
  parsed.detector.nms_iou = Number(detector.Get("nmsIou"), "detector.nmsIou");
  parsed.detector.average_boxes = detector.Get("averageBoxes").ToBoolean().Value();
  parsed.detector.certain_from = std::max(parsed.detector.doubtful_to, parsed.detector.score_threshold);
  if (const Napi::Value value = detector.Get("secondOpinion"); !value.IsUndefined()) {
    const Napi::Object opinion = Object(value, "detector.secondOpinion");
    parsed.second_opinion = {Number(opinion.Get("below"), "detector.secondOpinion.below"),
                             Number(opinion.Get("score"), "detector.secondOpinion.score"),
                             Number(opinion.Get("detail"), "detector.secondOpinion.detail"),
                             Number(opinion.Get("landmarks"), "detector.secondOpinion.landmarks"),
                             Number(opinion.Get("bias"), "detector.secondOpinion.bias")};
    parsed.detector.certain_from = parsed.second_opinion->below;
  }
  parsed.landmarks.network = {Text(landmarks.Get("file"), "landmarks.file"), device};
  parsed.landmarks.decoder = Text(landmarks.Get("decoder"), "landmarks.decoder");
  parsed.landmarks.input = ParseInput(landmarks, "landmarks");
  parsed.landmarks.second_look = landmarks.Get("secondLook").ToBoolean().Value();
  parsed.landmarks.crop_scale = Number(landmarks.Get("cropScale"), "landmarks.cropScale");
  parsed.embedder.network = {Text(embedder.Get("file"), "embedder.file"), device};
  parsed.embedder.alignment = Text(embedder.Get("alignment"), "embedder.alignment");
  parsed.embedder.input = ParseInput(embedder, "embedder");
  if (!embedder.Get("cropScale").IsUndefined()) {
    parsed.embedder.crop_scale = Number(embedder.Get("cropScale"), "embedder.cropScale");
  }
  parsed.embedder.views = ParseViews(embedder.Get("views"));
  parsed.embedder.dimension =
      static_cast<int>(WholeNumber(embedder.Get("dimension"), "embedder.dimension", 1, kMostDimensions));
  if (const Napi::Value value = options.Get("pose"); !value.IsUndefined()) {
    const Napi::Object pose = Object(value, "pose");
    pose::PoseOptions& parsed_pose = parsed.pose.emplace();
    parsed_pose.network = {Text(pose.Get("file"), "pose.file"), device};
    parsed_pose.decoder = Text(pose.Get("decoder"), "pose.decoder");
    parsed_pose.input = ParseInput(pose, "pose");
    parsed_pose.crop_scale = Number(pose.Get("cropScale"), "pose.cropScale");
  }
  if (const Napi::Value value = options.Get("liveness"); !value.IsUndefined()) {
    parsed.liveness = ParseLooks(value, device);
  }
  return parsed;
}

}  // namespace visage::addon
