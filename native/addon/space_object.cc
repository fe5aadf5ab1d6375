#include "addon/space_object.h"

#include "addon/arguments.h"
#include "base/error.h"

namespace visage::addon {

using Handle = Napi::External<std::shared_ptr<const search::SearchSpace>>;

Napi::Value OpenSearchSpace(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::shared_ptr<const search::SearchSpace> space;
  try {
    space = search::SearchSpace::Parse(std::as_bytes(Bytes(info[0], "file")));
  } catch (const base::Error& error) {
    throw Napi::Error::New(env, error.what());
  }
  Napi::Object value = Napi::Object::New(env);
  value.Set("dimension", static_cast<double>(space->dimension()));
  value.Set("rank", static_cast<double>(space->rank()));
  value.Set("subquantizers", static_cast<double>(space->subquantizers()));
  value.Set("handle",
            Handle::New(env, std::make_unique<std::shared_ptr<const search::SearchSpace>>(space).release(),
                        [](Napi::Env, std::shared_ptr<const search::SearchSpace>* held) { delete held; }));
  return value;
}

std::shared_ptr<const search::SearchSpace> SpaceFrom(const Napi::Value& value) {
  if (value.IsExternal()) return *value.As<Handle>().Data();
  return std::make_shared<search::SearchSpace>(
      static_cast<std::size_t>(WholeNumber(value, "dimension", 1, search::SearchSpace::kMostDimension)));
}

}  // namespace visage::addon
