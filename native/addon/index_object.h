#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "pipeline/executor.h"
#include "search/gallery_index.h"
#include "search/sequencer.h"

namespace visage::addon {

class IndexObject : public Napi::ObjectWrap<IndexObject> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit IndexObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value Size(const Napi::CallbackInfo& info);
  Napi::Value Tombstones(const Napi::CallbackInfo& info);
  Napi::Value OnDevice(const Napi::CallbackInfo& info);
  Napi::Value OnDisk(const Napi::CallbackInfo& info);
  Napi::Value Damaged(const Napi::CallbackInfo& info);
  void ForgetSaved(const Napi::CallbackInfo& info);
  Napi::Value Bytes(const Napi::CallbackInfo& info);
  Napi::Value Add(const Napi::CallbackInfo& info);
  Napi::Value Remove(const Napi::CallbackInfo& info);
  Napi::Value Search(const Napi::CallbackInfo& info);
  Napi::Value HeldLabels(const Napi::CallbackInfo& info);
  Napi::Value Save(const Napi::CallbackInfo& info);
  void CancelSave(const Napi::CallbackInfo& info);
  Napi::Value Load(const Napi::CallbackInfo& info);
  Napi::Value Loaded(const Napi::CallbackInfo& info);

  template <typename WorkFunction, typename ConvertFunction>
  Napi::Value Sequence(const Napi::CallbackInfo& info, search::Sequencer::Kind kind,
                       std::vector<Napi::Object> kept, WorkFunction work, ConvertFunction convert);

  std::shared_ptr<pipeline::Executor> executor_;
  std::shared_ptr<search::GalleryIndex> index_;
  std::shared_ptr<search::Sequencer> sequencer_;
  std::shared_ptr<std::atomic<bool>> save_cancelled_;
  const std::shared_ptr<std::atomic<std::uint64_t>> loaded_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

Napi::Value WhySearchUnavailableText(const Napi::CallbackInfo& info);

}  // namespace visage::addon
