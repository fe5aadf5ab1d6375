#include "addon/snapshot_info.h"

#include "addon/arguments.h"
#include "search/snapshot.h"

namespace visage::addon {

Napi::Value ReadSnapshotInfo(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = Text(info[0], "path");
  try {
    const search::SnapshotReader reader(path);
    Napi::Object value = Napi::Object::New(env);
    value.Set("dimension", reader.info().dimension);
    value.Set("rows", static_cast<double>(reader.info().rows));
    value.Set("stamp", reader.info().stamp);
    const std::vector<std::string> files = search::RowFilesOf(reader);
    auto names = Napi::Array::New(env, files.size());
    for (std::uint32_t i = 0; i < files.size(); ++i) names.Set(i, files[i]);
    value.Set("rowFiles", names);
    return value;
  } catch (const search::SnapshotError& error) {
    throw Napi::Error::New(env, error.what());
  }
}

}  // namespace visage::addon
