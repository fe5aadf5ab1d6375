#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "pipeline/executor.h"
#include "search/gallery_index.h"

namespace {

using visage::search::Background;
using visage::search::GalleryIndex;
using visage::search::SearchSpace;
using namespace std::chrono_literals;

constexpr std::size_t kDimension = 64;
constexpr std::int64_t kRows = 2 * GalleryIndex::kLarge;

std::mutex mutex;
std::condition_variable changed;
std::vector<std::thread::id> ended_on;
bool is_held_up = false;
int held_up = 0;

class Rows final : public visage::base::DeviceRows {
 public:
  ~Rows() override {
    const std::lock_guard lock(mutex);
    ended_on.push_back(std::this_thread::get_id());
    changed.notify_all();
  }
  const char* Append(const float*, std::size_t) override { return nullptr; }
  const char* Best(const float*, std::size_t count, std::int64_t* best) const override {
    std::fill_n(best, count, -1);
    std::unique_lock lock(mutex);
    ++held_up;
    changed.notify_all();
    changed.wait(lock, [] { return !is_held_up; });
    --held_up;
    return nullptr;
  }
};

visage::base::DeviceRows* MakeRows(std::size_t, const char** why) {
  *why = nullptr;
  return new Rows;
}

std::size_t Ended() {
  const std::lock_guard lock(mutex);
  return ended_on.size();
}

std::thread::id WaitForEnd(std::size_t count) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [=] { return ended_on.size() >= count; });
  return ended_on[count - 1];
}

class Mark final : public visage::search::BackgroundWork {
 public:
  bool Step(const GoOn&) override {
    is_done_ = true;
    return false;
  }
  void Wait() const {
    while (!is_done_) std::this_thread::sleep_for(1ms);
  }

 private:
  std::atomic<bool> is_done_ = false;
};

std::vector<std::int64_t> Labels(std::int64_t count) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < count; ++i) labels.push_back(i);
  return labels;
}

std::vector<float> Vectors(std::int64_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1 / 8.0F);
  std::vector<float> vectors(static_cast<std::size_t>(count) * kDimension);
  std::ranges::generate(vectors, [&] { return normal(random); });
  return vectors;
}

std::shared_ptr<GalleryIndex> Filled(const std::shared_ptr<Background>& background) {
  auto index =
      std::make_shared<GalleryIndex>(std::make_shared<SearchSpace>(kDimension), background, MakeRows);
  const std::vector<float> vectors = Vectors(kRows);
  index->Add(Labels(kRows), std::as_bytes(std::span(vectors)));
  while (index->on_device().rows < kRows) std::this_thread::sleep_for(1ms);
  const auto mark = std::make_shared<Mark>();
  background->Enrol(mark);
  mark->Wait();
  return index;
}

class Parts final : public visage::search::BackgroundWork {
 public:
  explicit Parts(unsigned count) : count_(count) {}
  bool Step(const GoOn& go_on) override {
    for (unsigned part = 0; part < count_; ++part) {
      if (!go_on()) break;
      ++done_;
    }
    is_done_ = true;
    return false;
  }
  unsigned Wait() const {
    while (!is_done_) std::this_thread::sleep_for(1ms);
    return done_;
  }

 private:
  const unsigned count_;
  std::atomic<unsigned> done_ = 0;
  std::atomic<bool> is_done_ = false;
};

}  // namespace

TEST_CASE("The background frees a gallery that its owner lets go") {
  const std::size_t before = Ended();
  const auto background = std::make_shared<Background>(1);
  auto index = Filled(background);
  index.reset();
  CHECK(WaitForEnd(before + 1) != std::this_thread::get_id());
  background->Stop();
}

TEST_CASE("A search keeps the rows that it reads and does not free them") {
  const std::size_t before = Ended();
  const auto background = std::make_shared<Background>(1);
  const auto index = Filled(background);
  is_held_up = true;
  std::thread::id searched_on;
  std::thread search([&] {
    searched_on = std::this_thread::get_id();
    const std::vector<float> probe = Vectors(1);
    visage::base::Alone alone;
    index->Search(std::as_bytes(std::span(probe)), 1, alone);
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [] { return held_up == 1; });
  }
  index->Remove(Labels(kRows / 2));
  while (index->tombstones() > 0) std::this_thread::sleep_for(1ms);
  const auto mark = std::make_shared<Mark>();
  background->Enrol(mark);
  mark->Wait();
  {
    const std::lock_guard lock(mutex);
    CHECK(ended_on.size() == before);
    is_held_up = false;
    changed.notify_all();
  }
  search.join();
  CHECK(WaitForEnd(before + 1) != searched_on);
  // Its thread may hold the gallery, and so the last of the background.
  background->Stop();
}

TEST_CASE("After a stop the owner frees the memory") {
  const auto background = std::make_shared<Background>(1);
  auto index = Filled(background);
  background->Stop();
  const std::size_t before = Ended();
  index.reset();
  CHECK(Ended() == before + 1);
}

TEST_CASE("Background work starts when no request needs the core") {
  std::atomic<unsigned> asked = 0;
  Background background(1, [&] { return ++asked <= 4; });
  const auto parts = std::make_shared<Parts>(3);
  background.Enrol(parts);
  CHECK(parts->Wait() == 3);
  CHECK(asked == 5 + 2);
}

TEST_CASE("Background work goes on where requests always need the cores") {
  std::atomic<unsigned> asked = 0;
  Background background(1, [&] { return ++asked > 0; });
  const auto parts = std::make_shared<Parts>(Background::kPartsAtOnce + 2);
  background.Enrol(parts);
  CHECK(parts->Wait() == Background::kPartsAtOnce + 2);
  CHECK(asked == 2 * (Background::kNaps + 1));
}

TEST_CASE("The executor counts a job until its thread is done with it") {
  visage::pipeline::Executor executor(1, 1);
  CHECK(executor.under_way() == 0);
  std::mutex held;
  std::condition_variable ended;
  int done = 0;
  std::unique_lock hold(held);
  for (int i = 0; i < 2; ++i) {
    executor.Admit();
    executor.Start(
        visage::pipeline::Admission::kFirst, [&] { const std::lock_guard wait(held); },
        [&] {
          CHECK(executor.under_way() > 0);
          const std::lock_guard lock(held);
          ++done;
          ended.notify_all();
        });
  }
  CHECK(executor.under_way() == 2);
  ended.wait(hold, [&] { return done == 2; });
  hold.unlock();
  while (executor.under_way() > 0) std::this_thread::sleep_for(1ms);
}
