#include "addon/pipeline_options.h"

#include "addon/arguments.h"

namespace visage {
namespace {

constexpr int kMostSide = 4096;
constexpr int kMostDimensions = 65536;
constexpr int kMostClasses = 64;

NetworkInput ParseInput(const Napi::Object& stage, const std::string& name) {
  const Napi::Object value = Object(stage.Get("input"), name + ".input");
  NetworkInput input;
  input.width = static_cast<int>(WholeNumber(value.Get("width"), name + ".input.width", 1, kMostSide));
  input.height = static_cast<int>(WholeNumber(value.Get("height"), name + ".input.height", 1, kMostSide));
  const std::string channels = Text(value.Get("channels"), name + ".input.channels");
  if (channels == "RGB") {
    input.channels = Channels::kRgb;
  } else if (channels == "BGR") {
    input.channels = Channels::kBgr;
  } else if (channels == "GREY") {
    input.channels = Channels::kGrey;
  } else {
    throw Napi::TypeError::New(stage.Env(), name + ".input.channels must be RGB, BGR or GREY");
  }
  input.mean = Number(value.Get("mean"), name + ".input.mean");
  input.scale = Number(value.Get("scale"), name + ".input.scale");
  return input;
}

}  // namespace

PipelineOptions ParsePipelineOptions(const Napi::Value& value) {
  const Napi::Object options = Object(value, "options");
  const Napi::Object detector = Object(options.Get("detector"), "detector");
  const Napi::Object landmarks = Object(options.Get("landmarks"), "landmarks");
  const Napi::Object embedder = Object(options.Get("embedder"), "embedder");
  PipelineOptions parsed;
  parsed.detector.file = Text(detector.Get("file"), "detector.file");
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
  if (const Napi::Value value = detector.Get("doubtful"); !value.IsUndefined()) {
    const Napi::Object doubtful = Object(value, "detector.doubtful");
    if (const Napi::Value value = detector.Get("boxFit"); !value.IsUndefined()) {
      const Napi::Object fit = Object(value, "detector.boxFit");
      parsed.detector.box_fit = {Number(fit.Get("x"), "detector.boxFit.x"),
                                 Number(fit.Get("y"), "detector.boxFit.y"),
                                 Number(fit.Get("width"), "detector.boxFit.width"),
                                 Number(fit.Get("height"), "detector.boxFit.height")};
    }
    parsed.detector.doubtful_from = Number(doubtful.Get("from"), "detector.doubtful.from");
    parsed.detector.doubtful_to = Number(doubtful.Get("to"), "detector.doubtful.to");
  }
  parsed.detector.nms_iou = Number(detector.Get("nmsIou"), "detector.nmsIou");
  parsed.landmarks.file = Text(landmarks.Get("file"), "landmarks.file");
  parsed.landmarks.decoder = Text(landmarks.Get("decoder"), "landmarks.decoder");
  parsed.landmarks.input = ParseInput(landmarks, "landmarks");
  parsed.landmarks.crop_scale = Number(landmarks.Get("cropScale"), "landmarks.cropScale");
  parsed.embedder.file = Text(embedder.Get("file"), "embedder.file");
  parsed.embedder.alignment = Text(embedder.Get("alignment"), "embedder.alignment");
  parsed.embedder.input = ParseInput(embedder, "embedder");
  parsed.embedder.dimension =
      static_cast<int>(WholeNumber(embedder.Get("dimension"), "embedder.dimension", 1, kMostDimensions));
  if (const Napi::Value value = options.Get("pose"); !value.IsUndefined()) {
    const Napi::Object pose = Object(value, "pose");
    PoseOptions& parsed_pose = parsed.pose.emplace();
    parsed_pose.file = Text(pose.Get("file"), "pose.file");
    parsed_pose.decoder = Text(pose.Get("decoder"), "pose.decoder");
    parsed_pose.input = ParseInput(pose, "pose");
    parsed_pose.crop_scale = Number(pose.Get("cropScale"), "pose.cropScale");
  }
  if (const Napi::Value value = options.Get("liveness"); !value.IsUndefined()) {
    const Napi::Object liveness = Object(value, "liveness");
    LivenessOptions& parsed_liveness = parsed.liveness.emplace();
    parsed_liveness.file = Text(liveness.Get("file"), "liveness.file");
    parsed_liveness.input = ParseInput(liveness, "liveness");
    parsed_liveness.crop_scale = Number(liveness.Get("cropScale"), "liveness.cropScale");
    parsed_liveness.classes =
        static_cast<int>(Object(liveness.Get("classes"), "liveness.classes").As<Napi::Array>().Length());
  }
  return parsed;
}

}  // namespace visage
