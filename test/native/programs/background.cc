/// What the background's threads do for others: they make way where cores are needed, and give back the
/// memory of galleries, whoever was the last to look at it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "pipeline/executor.h"
#include "search/gallery_index.h"

namespace {

using visage::Background;
using visage::GalleryIndex;
using std::chrono_literals::operator""ms;

constexpr std::size_t kDimension = 64;
constexpr std::size_t kGraphFrom = 200;
constexpr std::int64_t kRows = 4000;

void Check(bool holds, const char* what) {
  if (holds) return;
  std::printf("not so: %s\n", what);
  std::fflush(stdout);
  std::_Exit(1);
}

std::mutex mutex;
std::condition_variable changed;
/// Threads on which rows ended, of each that did.
std::vector<std::thread::id> ended_on;
/// Whether searches are held up, and how many are.
bool is_held_up = false;
int held_up = 0;

/// Proposes nothing. Goes with the rows of the gallery, as their memory does.
class Rows final : public visage::DeviceRows {
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

visage::DeviceRows* MakeRows(std::size_t, const char** why) {
  *why = nullptr;
  return new Rows;
}

/// @returns the thread on which the rows ended that were the `count`th to end.
std::thread::id WaitForEnd(std::size_t count) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [=] { return ended_on.size() >= count; });
  return ended_on[count - 1];
}

/// Done by the background once: what was begun there before has then ended.
class Mark final : public visage::BackgroundWork {
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
  auto index = std::make_shared<GalleryIndex>(kDimension, background, kGraphFrom, MakeRows);
  index->Add(Labels(kRows), Vectors(kRows));
  while (index->stats().linked < kRows || index->on_device().rows < kRows) std::this_thread::sleep_for(1ms);
  // Who builds a gallery holds it too.
  const auto mark = std::make_shared<Mark>();
  background->Enrol(mark);
  mark->Wait();
  return index;
}

void TestGallery() {
  std::atomic<unsigned> asked = 0;
  const auto is_crowded = [&] { return ++asked == 0; };
  const auto background = std::make_shared<Background>(1, is_crowded);
  auto index = Filled(background);
  Check(asked >= kRows, "a graph makes way before each row");
  index.reset();
  Check(WaitForEnd(1) != std::this_thread::get_id(),
        "a gallery that is let go takes none of its owner's time");
  background->Stop();
}

void TestSearch() {
  const auto background = std::make_shared<Background>(1);
  const auto index = Filled(background);
  is_held_up = true;
  std::thread::id searched_on;
  std::thread search([&] {
    searched_on = std::this_thread::get_id();
    index->Search(Vectors(1), 1);
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [] { return held_up == 1; });
  }
  index->Remove(Labels(kRows / 2));
  while (index->stats().tombstones > 0) std::this_thread::sleep_for(1ms);
  const auto mark = std::make_shared<Mark>();
  background->Enrol(mark);
  mark->Wait();
  {
    const std::lock_guard lock(mutex);
    Check(ended_on.size() == 1, "rows that a search looks at stay");
    is_held_up = false;
    changed.notify_all();
  }
  search.join();
  Check(WaitForEnd(2) != searched_on, "a search does not end what was swept out meanwhile");
  // Its thread may hold the gallery, and so the last of the background.
  background->Stop();
}

void TestStopped() {
  const auto background = std::make_shared<Background>(1);
  auto index = Filled(background);
  background->Stop();
  const std::size_t before = ended_on.size();
  index.reset();
  Check(ended_on.size() == before + 1, "after a stop memory is given back at once");
}

/// Does so many parts, each of which is nothing.
class Parts final : public visage::BackgroundWork {
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

void TestMakingWay() {
  std::atomic<unsigned> asked = 0;
  Background background(1, [&] { return ++asked <= 4; });
  const auto parts = std::make_shared<Parts>(3);
  background.Enrol(parts);
  Check(parts->Wait() == 3, "all parts are done");
  Check(asked == 5 + 2, "a part begins when nobody needs the core any more, and is asked about by itself");
}

void TestCrowd() {
  std::atomic<unsigned> asked = 0;
  Background background(1, [&] { return ++asked > 0; });
  const auto parts = std::make_shared<Parts>(Background::kPartsAtOnce + 2);
  background.Enrol(parts);
  Check(parts->Wait() == Background::kPartsAtOnce + 2, "work goes on where cores are always needed");
  Check(asked == 2 * (Background::kNaps + 1), "some parts follow each other there");
}

void TestExecutor() {
  visage::Executor executor(1, 1);
  Check(executor.under_way() == 0, "nothing is under way at first");
  std::mutex held;
  std::condition_variable ended;
  bool is_ended = false;
  std::unique_lock hold(held);
  for (int i = 0; i < 2; ++i) {
    executor.Admit(visage::Admission::kFirst);
    executor.Start(
        visage::Admission::kFirst, [&] { const std::lock_guard wait(held); },
        [&, i] {
          Check(executor.under_way() > 0, "what follows a job is under way too");
          const std::lock_guard lock(held);
          is_ended = i == 1;
          ended.notify_all();
        });
  }
  Check(executor.under_way() == 2, "what runs and what waits is under way");
  ended.wait(hold, [&] { return is_ended; });
  hold.unlock();
  // Or this never ends.
  while (executor.under_way() > 0) std::this_thread::sleep_for(1ms);
}

}  // namespace

int main() {
  TestMakingWay();
  TestCrowd();
  TestExecutor();
  TestGallery();
  TestSearch();
  TestStopped();
  std::puts("background: well");
}
