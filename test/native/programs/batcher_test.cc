#include "runtime/batcher.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Sums = std::vector<int>;
using Joined = visage::runtime::Batcher<std::string, int, Sums>;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kLong = 60'000ms;

int Mine(const Joined::Share& share) { return share.outputs->at(share.at); }

struct Counter {
  std::mutex mutex;
  std::vector<std::size_t> sizes;

  Joined::Run run() {
    return [this](const std::string&, const std::vector<int>& inputs) {
      const std::lock_guard lock(mutex);
      sizes.push_back(inputs.size());
      Sums sums;
      for (const int input : inputs) sums.push_back(input + 1);
      return sums;
    };
  }
};

std::future<Joined::Share> Later(Joined& batcher, const std::string& key, int input) {
  return std::async(std::launch::async, [&batcher, key, input] { return batcher.Join(key, input); });
}

}  // namespace

TEST_CASE("A full batch does not wait for more inputs") {
  Counter counter;
  Joined batcher(4, kLong, counter.run());
  std::vector<std::future<Joined::Share>> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(Later(batcher, "a", i));
  for (int i = 0; i < 8; ++i) {
    const Joined::Share share = waiting[i].get();
    CHECK(Mine(share) == i + 1);
    CHECK(share.of == 4);
  }
  CHECK(counter.sizes == std::vector<std::size_t>{4, 4});
}

TEST_CASE("A single input waits for the delay and runs alone") {
  Counter counter;
  Joined batcher(4, 20ms, counter.run());
  const auto begin = std::chrono::steady_clock::now();
  CHECK(Mine(batcher.Join("a", 1)) == 2);
  CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
  CHECK(counter.sizes == std::vector<std::size_t>{1});
}

TEST_CASE("Inputs that arrive during a run make the next batch in order") {
  std::latch running(1), go(1);
  std::vector<std::vector<int>> runs;
  Joined batcher(8, 0ms, [&](const std::string&, const std::vector<int>& inputs) {
    runs.push_back(inputs);
    if (runs.size() == 1) {
      running.count_down();
      go.wait();
    }
    return Sums(inputs);
  });
  auto first = Later(batcher, "a", 0);
  running.wait();
  std::vector<std::future<Joined::Share>> others;
  for (int i = 1; i <= 3; ++i) {
    others.push_back(Later(batcher, "a", i));
    std::this_thread::sleep_for(50ms);
  }
  go.count_down();
  first.get();
  for (int i = 1; i <= 3; ++i) CHECK(Mine(others[i - 1].get()) == i);
  CHECK(runs == std::vector<std::vector<int>>{{0}, {1, 2, 3}});
}

TEST_CASE("An input with another key closes the open batch") {
  std::vector<std::string> keys;
  Joined batcher(4, kLong, [&](const std::string& key, const std::vector<int>& inputs) {
    keys.push_back(key);
    return Sums(inputs.size());
  });
  auto first = Later(batcher, "a", 0);
  std::this_thread::sleep_for(50ms);
  std::vector<std::future<Joined::Share>> others;
  for (int i = 0; i < 4; ++i) others.push_back(Later(batcher, "b", i));
  first.get();
  for (auto& other : others) other.get();
  CHECK(keys == std::vector<std::string>{"a", "b"});
}

TEST_CASE("A failure reaches every caller of its batch and no other") {
  Joined batcher(3, kLong, [](const std::string&, const std::vector<int>& inputs) {
    for (const int input : inputs) {
      if (input < 0) throw std::runtime_error("no such input");
    }
    return Sums(inputs);
  });
  std::vector<std::future<Joined::Share>> waiting;
  for (const int input : {1, -1, 3}) waiting.push_back(Later(batcher, "a", input));
  for (auto& each : waiting) {
    CHECK_THROWS_WITH_AS(each.get(), "no such input", std::runtime_error);
  }
  waiting.clear();
  for (const int input : {1, 2, 3}) waiting.push_back(Later(batcher, "a", input));
  for (auto& each : waiting) CHECK(each.get().of == 3);
}

TEST_CASE("Many threads share one batcher and runs never overlap") {
  std::atomic<int> inside = 0;
  std::atomic<bool> alone = true;
  Joined batcher(5, std::chrono::microseconds(50), [&](const std::string&, const std::vector<int>& inputs) {
    if (++inside > 1) alone = false;
    Sums sums(inputs);
    --inside;
    return sums;
  });
  std::vector<std::thread> threads;
  std::atomic<bool> right = true;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        const int input = t * 1000 + i;
        if (Mine(batcher.Join(i % 3 ? "a" : "b", input)) != input) right = false;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right);
  CHECK(alone);
}
