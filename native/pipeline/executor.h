#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/team.h"

namespace visage {

/// Whether a job is refused while too many are waiting, and what it waits for.
enum class Admission {
  /// Refused beyond the bound.
  kBounded,
  /// Never refused while the executor is open.
  kAlways,
  /// Never refused, and begun before all others: for short work of requests whose long work is done, which
  /// must neither be in vain nor wait for pictures that came later. There is no more of it than of requests.
  kFirst,
};

/// A fixed set of threads that work through jobs in the order in which they were handed over. A job may share
/// its parts with the threads that have none; they begin no job of their own meanwhile.
///
/// A job is first admitted, which counts it, and later handed over to the threads; in between it may wait for
/// its turn elsewhere. All methods are thread-safe but `Join` and the destructor.
class Executor : public Team {
 public:
  using Job = std::function<void()>;
  struct Stats {
    int threads;
    /// Admitted and not yet begun.
    std::size_t queued;
    std::size_t running;
    /// Ended since the start.
    std::uint64_t ended;
  };

  /// @param threads at least 1. @param max_queue bounded jobs that may wait while all threads are busy.
  Executor(int threads, std::size_t max_queue);
  /// Abandons what is waiting.
  ~Executor() override;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Counts a job in. @throws Error kOverloaded, kNotReady after Close or Abandon.
  void Admit(Admission admission);
  /// Hands over a job that was admitted. It must not throw and must not wait for another job.
  /// @param done called after it on the same thread, when it does not count any more.
  void Start(Admission admission, Job job, Job done);

  std::size_t seats() const override { return threads_.size() + 1; }
  /// May be called by a job, whose thread it is then done on, and by any other thread. Only threads that are
  /// idle at this moment are asked, and one that has not come when all is done is not waited for.
  void Share(std::size_t items, const Work& work) override;

  Stats stats() const;
  /// Jobs that were handed over and that threads are not done with. Does not wait.
  std::size_t under_way() const { return under_way_.load(std::memory_order_relaxed); }

  /// Refuses new jobs. When all admitted ones have ended, `closed` is called, on the last of the threads.
  void Close(std::function<void()> closed);
  /// Refuses new jobs, forgets the waiting ones, waits for the running ones, joins the threads.
  void Abandon();
  /// Joins the threads after Close has called back.
  void Join();

 private:
  struct Waiting {
    Admission admission;
    Job job;
    Job done;
  };

  /// Parts of a job, while they are worked on.
  struct Parts;

  void Run();
  /// The next job; both queues must not be empty.
  Waiting Next();

  const std::size_t max_bounded_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> first_;
  std::deque<Waiting> waiting_;
  /// One entry for each thread that is asked to help.
  std::deque<Parts*> shared_;
  /// Threads that wait for work.
  std::size_t idle_ = 0;
  /// Admitted and not ended: all, and of these the bounded ones.
  std::size_t admitted_ = 0;
  std::size_t bounded_ = 0;
  std::size_t running_ = 0;
  std::atomic<std::size_t> under_way_ = 0;
  std::uint64_t ended_ = 0;
  bool closing_ = false;
  bool abandoned_ = false;
  std::vector<std::function<void()>> on_closed_;
  std::size_t alive_;
  std::vector<std::thread> threads_;
};

}  // namespace visage
