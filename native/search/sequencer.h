#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace visage::search {

/// Runs operations in call order without a waiting thread: consecutive reads side by side, a write alone.
/// Thread-safe.
class Sequencer : public std::enable_shared_from_this<Sequencer> {
 public:
  using Job = std::function<void()>;
  enum class Kind { kRead, kWrite };

  /// @param work must not throw. @param start hands a job to a thread; called once, now or later, from any
  /// thread.
  void Add(Kind kind, Job work, std::function<void(Job)> start);

 private:
  struct Operation {
    Kind kind;
    Job work;
    std::function<void(Job)> start;
  };

  void End(Kind kind);
  void Advance();

  std::mutex mutex_;
  std::deque<Operation> waiting_;
  std::size_t reading_ = 0;
  bool writing_ = false;
};

}  // namespace visage::search
