#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace visage::search {

/// Puts the operations on one index in the order in which they were called, on any number of threads: reads
/// that follow each other run side by side, a write runs alone. Nothing ever waits on a thread: an operation
/// whose turn has not come is kept here and started when the one before it ends. Thread-safe.
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
  /// Starts everything whose turn has come.
  void Advance();

  std::mutex mutex_;
  std::deque<Operation> waiting_;
  std::size_t reading_ = 0;
  bool writing_ = false;
};

}  // namespace visage::search
