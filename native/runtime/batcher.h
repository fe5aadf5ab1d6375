#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace visage::runtime {

/// Joins inputs of several threads into one run. Thread-safe.
///
/// A batch's first caller runs it; later callers wait. It grows until its run starts, so batches fill under
/// load without delay.
template <typename Key, typename Input, typename Outputs>
class Batcher {
 public:
  using Run = std::function<Outputs(const Key& key, const std::vector<Input>& inputs)>;

  struct Share {
    std::shared_ptr<const Outputs> outputs;
    std::size_t at = 0;
    std::size_t of = 1;
  };

  /// @param max_delay of the first caller. @param run on a caller's thread.
  Batcher(std::size_t max_batch, std::chrono::microseconds max_delay, Run run)
      : max_batch_(max_batch), max_delay_(max_delay), run_(std::move(run)) {}

  /// `input` must not change meanwhile. A new key closes the open batch. @throws the run's exception.
  Share Join(const Key& key, Input input) {
    std::unique_lock lock(mutex_);
    if (!open_ || open_->key != key) {
      open_ = std::make_shared<Group>(key, next_turn_++);
      changed_.notify_all();
    }
    const std::shared_ptr<Group> group = open_;
    const std::size_t at = group->inputs.size();
    group->inputs.push_back(std::move(input));
    if (group->inputs.size() == max_batch_) {
      open_ = nullptr;
      changed_.notify_all();
    }
    if (at == 0) {
      Lead(group, lock);
    } else {
      changed_.wait(lock, [&] { return group->is_done; });
    }
    if (group->failure) std::rethrow_exception(group->failure);
    return {group->outputs, at, group->inputs.size()};
  }

 private:
  struct Group {
    Group(const Key& key, std::uint64_t turn) : key(key), turn(turn) {}

    const Key key;
    const std::uint64_t turn;
    std::vector<Input> inputs;
    std::shared_ptr<const Outputs> outputs;
    std::exception_ptr failure;
    bool is_done = false;
  };

  void Lead(const std::shared_ptr<Group>& group, std::unique_lock<std::mutex>& lock) {
    changed_.wait_for(lock, max_delay_, [&] { return open_ != group; });
    changed_.wait(lock, [&] { return turn_ == group->turn; });
    if (open_ == group) open_ = nullptr;
    lock.unlock();
    try {
      group->outputs = std::make_shared<const Outputs>(run_(group->key, group->inputs));
    } catch (...) {
      group->failure = std::current_exception();
    }
    lock.lock();
    group->is_done = true;
    ++turn_;
    changed_.notify_all();
  }

  const std::size_t max_batch_;
  const std::chrono::microseconds max_delay_;
  const Run run_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Group> open_;
  std::uint64_t turn_ = 0;
  std::uint64_t next_turn_ = 0;
};

}  // namespace visage::runtime
