/// Shows how `Batcher` behaves, without a network: a run is a function here. Ends with code 1 and a sentence
/// where something is not as it should be.
#include "runtime/batcher.h"

#include <atomic>
#include <cstdlib>
#include <future>
#include <iostream>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using Sums = std::vector<int>;
using Joined = visage::Batcher<std::string, int, Sums>;
using std::chrono_literals::operator""ms;

constexpr std::chrono::milliseconds kLong = 60'000ms;

void Expect(bool holds, const std::string& what) {
  if (holds) return;
  std::cout << "Not so: " << what << std::endl;
  std::_Exit(1);
}

int Mine(const Joined::Share& share) { return share.outputs->at(share.at); }

/// A run that adds one to each input, and notes how many there were.
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

void AFullBatchDoesNotWait() {
  Counter counter;
  Joined batcher(4, kLong, counter.run());
  std::vector<std::future<Joined::Share>> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(Later(batcher, "a", i));
  for (int i = 0; i < 8; ++i) {
    const Joined::Share share = waiting[i].get();
    Expect(Mine(share) == i + 1, "everybody gets what is theirs");
    Expect(share.of == 4, "a share knows the size of its batch");
  }
  Expect(counter.sizes == std::vector<std::size_t>{4, 4}, "eight are two batches of four");
}

void OneAloneWaitsForTheDelay() {
  Counter counter;
  Joined batcher(4, 20ms, counter.run());
  const auto begin = std::chrono::steady_clock::now();
  Expect(Mine(batcher.Join("a", 1)) == 2, "one alone is answered");
  Expect(std::chrono::steady_clock::now() - begin >= 20ms, "it has waited for others");
  Expect(counter.sizes == std::vector<std::size_t>{1}, "it was a batch by itself");
}

void WhatArrivesDuringARunIsJoined() {
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
  for (int i = 1; i <= 3; ++i) Expect(Mine(others[i - 1].get()) == i, "those who waited get what is theirs");
  Expect(runs == std::vector<std::vector<int>>{{0}, {1, 2, 3}},
         "three waited for one run and made one, in order");
}

void AnotherKeyEndsTheWaiting() {
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
  Expect(keys == std::vector<std::string>{"a", "b"}, "keys are not joined, and go in their order");
}

void AFailureReachesAllOfItsBatchAndNoOther() {
  Joined batcher(3, kLong, [](const std::string&, const std::vector<int>& inputs) {
    for (const int input : inputs) {
      if (input < 0) throw std::runtime_error("no such input");
    }
    return Sums(inputs);
  });
  std::vector<std::future<Joined::Share>> waiting;
  for (const int input : {1, -1, 3}) waiting.push_back(Later(batcher, "a", input));
  for (auto& each : waiting) {
    try {
      each.get();
      Expect(false, "the failure reaches all");
    } catch (const std::runtime_error& error) {
      Expect(error.what() == std::string("no such input"), "the failure is the run's");
    }
  }
  waiting.clear();
  for (const int input : {1, 2, 3}) waiting.push_back(Later(batcher, "a", input));
  for (auto& each : waiting) Expect(each.get().of == 3, "the next batch is well");
}

void ManyThreadsOnOne() {
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
  Expect(right, "nobody gets what is another's");
  Expect(alone, "one run at a time");
}

}  // namespace

int main() {
  AFullBatchDoesNotWait();
  OneAloneWaitsForTheDelay();
  WhatArrivesDuringARunIsJoined();
  AnotherKeyEndsTheWaiting();
  AFailureReachesAllOfItsBatchAndNoOther();
  ManyThreadsOnOne();
  std::cout << "batcher: well" << std::endl;
}
