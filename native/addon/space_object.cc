#include "addon/space_object.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "addon/arguments.h"
#include "addon/environment.h"
#include "base/error.h"
#include "search/row.h"

namespace visage::addon {
namespace {

using Rows = std::vector<std::span<const std::byte>>;

Rows RowsFrom(const Napi::Value& value, const search::SearchSpace& space) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), "rows must be an array");
  const auto list = value.As<Napi::Array>();
  Rows rows;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const std::string name = "rows[" + std::to_string(i) + "]";
    rows.push_back(RowBytes(list[i], name));
    CheckRows(value.Env(), name, space, rows.back(), 1);
  }
  return rows;
}

Napi::Value BytesOf(Napi::Env env, std::span<const std::byte> bytes) {
  auto value = Napi::Uint8Array::New(env, bytes.size());
  std::ranges::copy(bytes, reinterpret_cast<std::byte*>(value.Data()));
  return value;
}

template <typename Function>
auto Rethrown(Napi::Env env, Function function) {
  try {
    return function();
  } catch (const base::Error& error) {
    throw Napi::Error::New(env, error.what());
  }
}

}  // namespace

Napi::Function SpaceObject::Define(Napi::Env env) {
  return DefineClass(
      env, "SearchSpace",
      {InstanceAccessor<&SpaceObject::Dimension>("dimension"), InstanceAccessor<&SpaceObject::Rank>("rank"),
       InstanceAccessor<&SpaceObject::Subquantizers>("subquantizers"),
       InstanceAccessor<&SpaceObject::RowLength>("rowBytes"),
       InstanceAccessor<&SpaceObject::IsNormalised>("isNormalised"), InstanceMethod<&SpaceObject::Row>("row"),
       InstanceMethod<&SpaceObject::Template>("template"), InstanceMethod<&SpaceObject::Compare>("compare"),
       InstanceMethod<&SpaceObject::Mean>("mean")});
}

std::shared_ptr<const search::SearchSpace> SpaceObject::From(const Napi::Value& value) {
  const Napi::Env env = value.Env();
  if (!value.IsObject() || !value.As<Napi::Object>().InstanceOf(Environment::Of(env).space_class.Value())) {
    throw Napi::TypeError::New(env, "space must be a SearchSpace");
  }
  return Unwrap(value.As<Napi::Object>())->space_;
}

SpaceObject::SpaceObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (info[0].IsNumber()) {
    space_ = std::make_shared<search::SearchSpace>(
        static_cast<std::size_t>(WholeNumber(info[0], "dimension", 1, search::SearchSpace::kMostDimension)));
  } else {
    space_ = Rethrown(info.Env(),
                      [&] { return search::SearchSpace::Parse(std::as_bytes(Bytes(info[0], "file"))); });
  }
  if (info[1].IsUndefined()) return;
  space_ = Rethrown(info.Env(), [&] { return space_->With(std::as_bytes(Bytes(info[1], "cohort"))); });
}

Napi::Value SpaceObject::Dimension(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(space_->dimension()));
}

Napi::Value SpaceObject::Rank(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(space_->rank()));
}

Napi::Value SpaceObject::Subquantizers(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(space_->subquantizers()));
}

Napi::Value SpaceObject::RowLength(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(search::RowBytes(*space_)));
}

Napi::Value SpaceObject::IsNormalised(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), space_->cohort() != nullptr);
}

Napi::Value SpaceObject::Row(const Napi::CallbackInfo& info) {
  const auto vectors = Floats(info[0], "templates");
  const std::size_t dimension = space_->dimension();
  const std::size_t bytes = search::RowBytes(*space_);
  if (vectors.size() % dimension != 0) {
    throw Napi::TypeError::New(info.Env(),
                               "templates must hold " + std::to_string(dimension) + " floats each");
  }
  const std::size_t count = vectors.size() / dimension;
  std::vector<std::byte> rows(count * bytes);
  for (std::size_t i = 0; i < count; ++i) {
    search::WriteRow(*space_, vectors.subspan(i * dimension, dimension),
                     std::span(rows).subspan(i * bytes, bytes));
  }
  return BytesOf(info.Env(), rows);
}

Napi::Value SpaceObject::Template(const Napi::CallbackInfo& info) {
  const auto row = RowBytes(info[0], "row");
  CheckRows(info.Env(), "row", *space_, row, 1);
  std::vector<float> coordinates(space_->rank());
  Rethrown(info.Env(), [&] { return search::ReadRow(*space_, row, coordinates); });
  auto value = Napi::Float32Array::New(info.Env(), space_->dimension());
  space_->Lift(coordinates, {value.Data(), value.ElementLength()});
  return value;
}

Napi::Value SpaceObject::Compare(const Napi::CallbackInfo& info) {
  const auto probe = RowBytes(info[0], "probe");
  CheckRows(info.Env(), "probe", *space_, probe, 1);
  const Rows rows = RowsFrom(info[1], *space_);
  const auto scores = Rethrown(info.Env(), [&] { return search::CompareRows(*space_, probe, rows); });
  auto value = Napi::Float32Array::New(info.Env(), scores.size());
  std::ranges::copy(scores, value.Data());
  return value;
}

Napi::Value SpaceObject::Mean(const Napi::CallbackInfo& info) {
  const Rows rows = RowsFrom(info[0], *space_);
  if (rows.size() < 2) throw Napi::TypeError::New(info.Env(), "rows must be at least two");
  const float least = Number(info[1], "least");
  const auto mean = Rethrown(info.Env(), [&] { return search::MeanRow(*space_, rows, least); });
  return mean ? BytesOf(info.Env(), *mean) : info.Env().Null();
}

void CheckRows(Napi::Env env, const std::string& name, const search::SearchSpace& space,
               std::span<const std::byte> rows, std::size_t count) {
  if (search::AreRows(space, rows.size(), count)) return;
  throw Napi::TypeError::New(env, name + " must hold " + std::to_string(search::RowBytes(space)) +
                                      " bytes or " + std::to_string(space.dimension()) +
                                      " floats for each face");
}

}  // namespace visage::addon
