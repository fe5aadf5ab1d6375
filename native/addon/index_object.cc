#include "addon/index_object.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <span>
#include <variant>

#include "addon/arguments.h"
#include "addon/executor_object.h"
#include "addon/space_object.h"
#include "addon/start.h"
#include "base/error.h"
#include "search/snapshot.h"

namespace visage::addon {

namespace {

Napi::Value LabelsOf(Napi::Env env, const std::vector<std::int64_t>& labels) {
  auto value = Napi::BigInt64Array::New(env, labels.size());
  std::ranges::copy(labels, value.Data());
  return value;
}

}  // namespace

Napi::Function IndexObject::Define(Napi::Env env) {
  return DefineClass(
      env, "GalleryIndex",
      {InstanceAccessor<&IndexObject::Size>("size"), InstanceAccessor<&IndexObject::Bytes>("bytes"),
       InstanceAccessor<&IndexObject::Loaded>("loaded"),
       InstanceAccessor<&IndexObject::Tombstones>("tombstones"),
       InstanceMethod<&IndexObject::OnDevice>("onDevice"), InstanceMethod<&IndexObject::OnDisk>("onDisk"),
       InstanceMethod<&IndexObject::Damaged>("damaged"),
       InstanceMethod<&IndexObject::ForgetSaved>("forgetSaved"), InstanceMethod<&IndexObject::Add>("add"),
       InstanceMethod<&IndexObject::Remove>("remove"), InstanceMethod<&IndexObject::Search>("search"),
       InstanceMethod<&IndexObject::HeldLabels>("labels"), InstanceMethod<&IndexObject::Save>("save"),
       InstanceMethod<&IndexObject::CancelSave>("cancelSave"), InstanceMethod<&IndexObject::Load>("load")});
}

IndexObject::IndexObject(const Napi::CallbackInfo& info)
    : ObjectWrap(info),
      executor_(ExecutorObject::From(info[0])),
      sequencer_(std::make_shared<search::Sequencer>()) {
  std::shared_ptr<const search::SearchSpace> space = SpaceObject::From(info[1]);
  base::DeviceRows::Factory device = nullptr;
  try {
    if (!info[2].IsUndefined()) device = search::LoadDeviceRows(Text(info[2], "library"));
  } catch (const base::Error& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
  std::optional<search::RowFolder> folder;
  if (!info[3].IsUndefined()) {
    const auto given = info[3].As<Napi::Object>();
    const auto number = [&](const char* name) {
      return static_cast<std::size_t>(
          WholeNumber(given.Get(name), name, 1, std::numeric_limits<std::int32_t>::max()));
    };
    folder = {Text(given.Get("prefix"), "prefix"), number("least"), number("rowsOfFile")};
    if (!std::has_single_bit(folder->rows_of_file) || folder->rows_of_file < search::Codes::kBlock) {
      throw Napi::RangeError::New(info.Env(), "rowsOfFile must be a power of two, 64 or more");
    }
  }
  index_ = std::make_shared<search::GalleryIndex>(std::move(space), ExecutorObject::BackgroundFrom(info[0]),
                                                  device, std::move(folder));
}

template <typename WorkFunction, typename ConvertFunction>
Napi::Value IndexObject::Sequence(const Napi::CallbackInfo& info, search::Sequencer::Kind kind,
                                  std::vector<Napi::Object> kept, WorkFunction work,
                                  ConvertFunction convert) {
  // A search may wait for an earlier write, so both use `kFirst`.
  constexpr pipeline::Admission admission = pipeline::Admission::kFirst;
  const auto hand_over = [&](const pipeline::Executor::Job& job, const pipeline::Executor::Job& done) {
    pipeline::Executor* executor = executor_.get();
    sequencer_->Add(kind, job, [executor, done](search::Sequencer::Job turn) {
      executor->Start(admission, std::move(turn), done);
    });
  };
  return StartCall(info.Env(), executor_, std::move(kept), hand_over, std::move(work), std::move(convert));
}

Napi::Value IndexObject::Size(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(index_->size()));
}

Napi::Value IndexObject::Bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(index_->bytes()));
}

Napi::Value IndexObject::Loaded(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(loaded_->load()));
}

Napi::Value IndexObject::Tombstones(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(index_->tombstones()));
}

Napi::Value IndexObject::OnDevice(const Napi::CallbackInfo& info) {
  const search::GalleryIndex::OnDevice on_device = index_->on_device();
  Napi::Object value = Napi::Object::New(info.Env());
  value.Set("rows", static_cast<double>(on_device.rows));
  value.Set("failure", on_device.failure);
  return value;
}

Napi::Value IndexObject::OnDisk(const Napi::CallbackInfo& info) {
  const search::GalleryIndex::OnDisk on_disk = index_->on_disk();
  Napi::Object value = Napi::Object::New(info.Env());
  value.Set("rows", static_cast<double>(on_disk.rows));
  value.Set("failure", on_disk.failure);
  return value;
}

Napi::Value IndexObject::Damaged(const Napi::CallbackInfo& info) {
  return LabelsOf(info.Env(), index_->Damaged());
}

void IndexObject::ForgetSaved(const Napi::CallbackInfo&) { index_->KeepFiles(nullptr, true); }

Napi::Value IndexObject::Add(const Napi::CallbackInfo& info) {
  const auto labels = Labels(info[0], "ids");
  const auto rows = RowBytes(info[1], "rows");
  CheckRows(info.Env(), "rows", index_->space(), rows, labels.size());
  return Sequence(
      info, search::Sequencer::Kind::kWrite, {info[0].As<Napi::Object>(), info[1].As<Napi::Object>()},
      [index = index_, labels, rows] {
        index->Add(labels, rows);
        return std::monostate{};
      },
      [](Napi::Env env, std::monostate) { return env.Undefined(); });
}

Napi::Value IndexObject::Remove(const Napi::CallbackInfo& info) {
  const auto labels = Labels(info[0], "ids");
  return Sequence(
      info, search::Sequencer::Kind::kWrite, {info[0].As<Napi::Object>()},
      [index = index_, labels] { return index->Remove(labels); },
      [](Napi::Env env, std::size_t removed) {
        return Napi::Number::New(env, static_cast<double>(removed));
      });
}

Napi::Value IndexObject::Search(const Napi::CallbackInfo& info) {
  const auto probe = RowBytes(info[0], "probe");
  CheckRows(info.Env(), "probe", index_->space(), probe, 1);
  const auto k =
      static_cast<std::size_t>(WholeNumber(info[1], "k", 1, std::numeric_limits<std::int32_t>::max()));
  std::vector<Napi::Object> kept = {info[0].As<Napi::Object>()};
  std::optional<std::span<const std::int64_t>> allowed;
  if (!info[2].IsUndefined()) {
    allowed = Labels(info[2], "allow");
    kept.push_back(info[2].As<Napi::Object>());
  }
  pipeline::Executor* team = executor_.get();
  return Sequence(
      info, search::Sequencer::Kind::kRead, std::move(kept),
      [index = index_, team, probe, k, allowed] {
        return allowed ? index->Search(probe, k, *allowed, *team) : index->Search(probe, k, *team);
      },
      [](Napi::Env env, const search::GalleryIndex::Matches& matches) {
        auto ids = Napi::BigInt64Array::New(env, matches.labels.size());
        auto scores = Napi::Float32Array::New(env, matches.scores.size());
        std::ranges::copy(matches.labels, ids.Data());
        std::ranges::copy(matches.scores, scores.Data());
        Napi::Object value = Napi::Object::New(env);
        value.Set("ids", ids);
        value.Set("scores", scores);
        value.Set("isDamaged", matches.is_damaged);
        return value;
      });
}

Napi::Value IndexObject::HeldLabels(const Napi::CallbackInfo& info) {
  return Sequence(
      info, search::Sequencer::Kind::kRead, {}, [index = index_] { return index->Labels(); }, LabelsOf);
}

Napi::Value IndexObject::Save(const Napi::CallbackInfo& info) {
  const auto background = ExecutorObject::From(info[0]);
  const std::string path = Text(info[1], "path");
  const std::string stamp = Text(info[2], "stamp");
  save_cancelled_ = std::make_shared<std::atomic<bool>>(false);
  const auto contents = std::make_shared<std::optional<search::IndexContents>>();
  const auto hand_over = [&](const pipeline::Executor::Job& job, const pipeline::Executor::Job& done) {
    const auto look = [index = index_, contents] {
      try {
        contents->emplace(index->Contents());
      } catch (const std::bad_alloc&) {
      }
    };
    sequencer_->Add(search::Sequencer::Kind::kRead, look,
                    [background, job, done](search::Sequencer::Job turn) {
                      const auto both = [job, turn = std::move(turn)] {
                        turn();
                        job();
                      };
                      background->Start(pipeline::Admission::kAlways, both, done);
                    });
  };
  return StartCall(
      info.Env(), background, {}, hand_over,
      [index = index_, contents, path, stamp, cancelled = save_cancelled_] {
        if (!*contents) throw std::bad_alloc();
        const search::Codes::View& view = (*contents)->view;
        index->KeepFiles(&view, false);
        const std::uint64_t bytes = search::WriteSnapshot(**contents, path, stamp, *cancelled);
        index->KeepFiles(&view, true);
        return bytes;
      },
      [](Napi::Env env, std::uint64_t bytes) { return Napi::Number::New(env, static_cast<double>(bytes)); });
}

void IndexObject::CancelSave(const Napi::CallbackInfo&) {
  if (save_cancelled_) *save_cancelled_ = true;
}

Napi::Value IndexObject::Load(const Napi::CallbackInfo& info) {
  pipeline::Executor* team = executor_.get();
  return Sequence(
      info, search::Sequencer::Kind::kWrite, {},
      [index = index_, team, loaded = loaded_, path = Text(info[0], "path")] {
        if (index->size() > 0) throw search::SnapshotError("the index holds something already");
        index->Adopt(
            search::ReadSnapshot(path, index->space(), index->NewCodes(), index->folder(), *team, *loaded));
        return std::monostate{};
      },
      [](Napi::Env env, std::monostate) { return env.Undefined(); });
}

Napi::Value WhySearchUnavailableText(const Napi::CallbackInfo& info) {
  try {
    search::LoadDeviceRows(Text(info[0], "library"));
    return info.Env().Null();
  } catch (const base::Error& error) {
    return Napi::String::New(info.Env(), error.what());
  }
}

}  // namespace visage::addon
