#include "addon/pipeline_object.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>

#include "addon/arguments.h"
#include "addon/device_options.h"
#include "addon/executor_object.h"
#include "addon/pipeline_options.h"
#include "addon/start.h"
#include "pipeline/pipeline.h"

namespace visage::addon {
namespace {

pipeline::ImageEncoding ParseEncoding(const Napi::Value& value) {
  const std::string encoding = Text(value, "encoding");
  if (encoding == "binary") return pipeline::ImageEncoding::kBinary;
  if (encoding == "base64") return pipeline::ImageEncoding::kBase64;
  throw Napi::TypeError::New(value.Env(), "encoding must be binary or base64");
}

const char* FormatName(decode::ImageFormat format) {
  switch (format) {
    case decode::ImageFormat::kPng:
      return "png";
    case decode::ImageFormat::kWebp:
      return "webp";
    case decode::ImageFormat::kBmp:
      return "bmp";
    case decode::ImageFormat::kGif:
      return "gif";
    case decode::ImageFormat::kTiff:
      return "tiff";
    case decode::ImageFormat::kJpeg2000:
      return "jpeg2000";
    case decode::ImageFormat::kHeic:
      return "heic";
    case decode::ImageFormat::kAvif:
      return "avif";
    case decode::ImageFormat::kJpeg:
      break;
  }
  return "jpeg";
}

pipeline::Tenant ParseTenant(const Napi::Value& value) {
  if (value.IsUndefined()) return {};
  const Napi::Object object = Object(value, "tenant");
  return {Text(object.Get("account"), "tenant.account"), Text(object.Get("key"), "tenant.key")};
}

Napi::Value FloatsValue(Napi::Env env, std::span<const float> values) {
  auto array = Napi::Float32Array::New(env, values.size());
  std::ranges::copy(values, array.Data());
  return array;
}

Napi::Value LandmarksValue(Napi::Env env, const base::FivePoints& points) {
  std::array<float, 10> values;
  for (std::size_t i = 0; i < points.size(); ++i) {
    values[2 * i] = points[i].x;
    values[2 * i + 1] = points[i].y;
  }
  return FloatsValue(env, values);
}

Napi::Value PoseValue(Napi::Env env, const pose::Pose& pose) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("yaw", pose.yaw);
  value.Set("pitch", pose.pitch);
  value.Set("roll", pose.roll);
  return value;
}

Napi::Value MeasuresValue(Napi::Env env, const quality::FaceMeasures& measures) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("sharpness", measures.sharpness);
  value.Set("light", measures.light);
  value.Set("contrast", measures.contrast);
  value.Set("underexposed", measures.underexposed);
  value.Set("overexposed", measures.overexposed);
  return value;
}

Napi::Value FaceValue(Napi::Env env, const pipeline::AnalyzedFace& face) {
  Napi::Object box = Napi::Object::New(env);
  box.Set("x", face.detection.box.x);
  box.Set("y", face.detection.box.y);
  box.Set("width", face.detection.box.width);
  box.Set("height", face.detection.box.height);
  Napi::Object value = Napi::Object::New(env);
  value.Set("box", box);
  value.Set("confidence", face.detection.score);
  value.Set("certainty", face.detection.certainty);
  value.Set("landmarks", face.landmarks ? LandmarksValue(env, *face.landmarks) : env.Null());
  value.Set("pose", face.pose ? PoseValue(env, *face.pose) : env.Null());
  value.Set("measures", face.measures ? MeasuresValue(env, *face.measures) : env.Null());
  return value;
}

constexpr int kMostCrops = 100;

pipeline::AnalysisRequest ParseRequest(const Napi::Value& value) {
  pipeline::AnalysisRequest request;
  if (value.IsUndefined()) return request;
  const Napi::Object object = Object(value, "request");
  if (const Napi::Value described = object.Get("described"); !described.IsUndefined()) {
    request.described = static_cast<std::size_t>(WholeNumber(described, "request.described", 0, 1 << 20));
  }
  if (const Napi::Value least = object.Get("minFaceSize"); !least.IsUndefined()) {
    request.least_face = static_cast<float>(WholeNumber(least, "request.minFaceSize", 16, 8192));
  }
  if (const Napi::Value only = object.Get("largestOnly"); !only.IsUndefined()) {
    request.wanted = Truth(only, "request.largestOnly") ? detect::Wanted::kLargest : detect::Wanted::kAll;
  }
  if (const Napi::Value made = object.Get("template"); !made.IsUndefined()) {
    request.templates = Truth(made, "request.template") ? 1 : 0;
  }
  if (const Napi::Value made = object.Get("templates"); !made.IsUndefined()) {
    request.templates = static_cast<std::size_t>(WholeNumber(made, "request.templates", 0, 1 << 20));
  }
  if (const Napi::Value asked = object.Get("attributes"); !asked.IsUndefined()) {
    request.attributes = Truth(asked, "request.attributes");
  }
  if (const Napi::Value asked = object.Get("liveness"); !asked.IsUndefined()) {
    request.liveness = Truth(asked, "request.liveness");
  }
  if (const Napi::Value crops = object.Get("crops"); !crops.IsUndefined()) {
    request.crops = static_cast<std::size_t>(WholeNumber(crops, "request.crops", 0, kMostCrops));
  }
  return request;
}

Napi::Value AnalysisValue(Napi::Env env, const pipeline::Analysis& analysis) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("width", analysis.width);
  value.Set("height", analysis.height);
  value.Set("format", FormatName(analysis.format));
  auto faces = Napi::Array::New(env, analysis.faces.size());
  for (std::size_t i = 0; i < analysis.faces.size(); ++i) {
    faces.Set(static_cast<std::uint32_t>(i), FaceValue(env, analysis.faces[i]));
  }
  value.Set("faces", faces);
  const auto floats_or_null = [env](const std::vector<float>& values) {
    return values.empty() ? env.Null() : FloatsValue(env, values);
  };
  auto templates = Napi::Array::New(env, analysis.templates.size());
  for (std::size_t i = 0; i < analysis.templates.size(); ++i) {
    templates.Set(static_cast<std::uint32_t>(i), FloatsValue(env, analysis.templates[i]));
  }
  value.Set("template", analysis.templates.empty() ? env.Null() : templates.Get(std::uint32_t{0}));
  value.Set("templates", templates);
  value.Set("liveness", floats_or_null(analysis.liveness));
  auto crops = Napi::Array::New(env, analysis.crops.size());
  for (std::size_t i = 0; i < analysis.crops.size(); ++i) {
    const std::vector<std::uint8_t>& crop = analysis.crops[i];
    crops.Set(static_cast<std::uint32_t>(i), Napi::Buffer<std::uint8_t>::Copy(env, crop.data(), crop.size()));
  }
  value.Set("crops", crops);
  value.Set("looks", static_cast<double>(analysis.looks));
  Napi::Object timings = Napi::Object::New(env);
  timings.Set("queue", analysis.timings.queue);
  timings.Set("decode", analysis.timings.decode);
  timings.Set("detect", analysis.timings.detect);
  timings.Set("align", analysis.timings.align);
  timings.Set("embed", analysis.timings.embed);
  timings.Set("attributes", analysis.timings.attributes);
  timings.Set("liveness", analysis.timings.liveness);
  timings.Set("crop", analysis.timings.crop);
  value.Set("timings", timings);
  return value;
}

Napi::Value DecodedValue(Napi::Env env, decode::DecodedImage& decoded) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("width", decoded.image.width());
  value.Set("height", decoded.image.height());
  value.Set("format", FormatName(decoded.format));
  const std::size_t size = decoded.image.size_bytes();
  auto owner = std::make_unique<base::Image>(std::move(decoded.image));
  const auto buffer = Napi::ArrayBuffer::New(
      env, owner->data(), size,
      [](Napi::Env, void*, base::Image* image) { const std::unique_ptr<base::Image> end(image); },
      owner.get());
  static_cast<void>(owner.release());
  value.Set("pixels", Napi::Uint8Array::New(env, size, buffer, 0));
  return value;
}

Napi::Value PipelineValue(Napi::Env env, const std::shared_ptr<pipeline::Executor>& executor,
                          std::shared_ptr<const pipeline::Pipeline> pipeline) {
  Napi::Object value = Napi::Object::New(env);
  const auto analyze = [executor,
                        pipeline = std::move(pipeline)](const Napi::CallbackInfo& info) -> Napi::Value {
    const auto image = Bytes(info[0], "image");
    const pipeline::ImageEncoding encoding = ParseEncoding(info[1]);
    const pipeline::AnalysisRequest request = ParseRequest(info[2]);
    return SubmitCall(
        info.Env(), executor, ParseTenant(info[3]), {info[0].As<Napi::Object>()},
        [pipeline, image, encoding, request, &team = *executor, called = std::chrono::steady_clock::now()] {
          const std::chrono::duration<double, std::milli> waited = std::chrono::steady_clock::now() - called;
          pipeline::Analysis analysis = pipeline->Analyze(image, encoding, request, team);
          analysis.timings.queue = waited.count();
          return analysis;
        },
        AnalysisValue);
  };
  value.Set("analyze", Napi::Function::New(env, analyze, "analyze"));
  return value;
}

}  // namespace

Napi::Value LoadPipeline(const Napi::CallbackInfo& info) {
  const std::shared_ptr<pipeline::Executor> executor = ExecutorObject::From(info[0]);
  return StartCall(
      info.Env(), executor, pipeline::Admission::kAlways, {},
      [options = ParsePipelineOptions(info[1], ParseDevice(info[2]))] {
        return std::make_shared<const pipeline::Pipeline>(options);
      },
      [executor](Napi::Env env, std::shared_ptr<const pipeline::Pipeline>& pipeline) {
        return PipelineValue(env, executor, std::move(pipeline));
      });
}

Napi::Value DecodeImage(const Napi::CallbackInfo& info) {
  const std::shared_ptr<pipeline::Executor> executor = ExecutorObject::From(info[0]);
  const auto image = Bytes(info[1], "image");
  const pipeline::ImageEncoding encoding = ParseEncoding(info[2]);
  return SubmitCall(
      info.Env(), executor, pipeline::Tenant{}, {info[1].As<Napi::Object>()},
      [image, encoding] { return pipeline::DecodeEncoded(image, encoding); }, DecodedValue);
}

}  // namespace visage::addon
