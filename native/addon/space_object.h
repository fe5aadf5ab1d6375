#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "search/search_space.h"

namespace visage::addon {

class SpaceObject : public Napi::ObjectWrap<SpaceObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  /// @throws Napi::TypeError unless given a SearchSpace.
  static std::shared_ptr<const search::SearchSpace> From(const Napi::Value& value);

  explicit SpaceObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value Dimension(const Napi::CallbackInfo& info);
  Napi::Value Rank(const Napi::CallbackInfo& info);
  Napi::Value Subquantizers(const Napi::CallbackInfo& info);
  Napi::Value RowLength(const Napi::CallbackInfo& info);
  Napi::Value IsNormalised(const Napi::CallbackInfo& info);
  Napi::Value Row(const Napi::CallbackInfo& info);
  Napi::Value Template(const Napi::CallbackInfo& info);
  Napi::Value Compare(const Napi::CallbackInfo& info);
  Napi::Value Mean(const Napi::CallbackInfo& info);

  std::shared_ptr<const search::SearchSpace> space_;
};

/// @throws Napi::TypeError unless `rows` are `count` rows or templates of the space.
void CheckRows(Napi::Env env, const std::string& name, const search::SearchSpace& space,
               std::span<const std::byte> rows, std::size_t count);

}  // namespace visage::addon
