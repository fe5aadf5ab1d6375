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
#include "base/yield.h"
#include "pipeline/fair_queue.h"

namespace visage::pipeline {

enum class Admission {
  /// Runs after earlier `kAlways` jobs, before images.
  kAlways,
  /// Runs before all other jobs. For short work that completes a request.
  kFirst,
};

/// Thread-safe but for `Join` and the destructor.
///
/// One thread less than `threads`, at least one, runs images that cannot pause; further such images wait.
///
/// A running job is never interrupted, so one extra thread serves urgent jobs: `kFirst` jobs, and images of
/// an account without a running job. Meanwhile another job pauses at its next yield point.
///
/// Images wait in a `FairQueue`. `Admit` counts other jobs, and `Start` queues them.
class Executor : public base::Team {
 public:
  using Job = std::function<void()>;
  struct Stats {
    int threads;
    std::size_t queued;
    std::size_t running;
    std::uint64_t ended;
  };

  /// @param max_queue waiting images, while all threads are busy.
  Executor(int threads, std::size_t max_queue);
  /// Drops waiting jobs.
  ~Executor() override;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// The job must not throw anything but base::Deferred, or wait for another job. May refuse another job on
  /// this thread to make room.
  /// @throws kOverloaded, kNotReady after Close or Abandon.
  void Submit(const Tenant& tenant, FairQueue::Job job);

  /// @throws kNotReady after Close or Abandon.
  void Admit();
  /// @param job as in `Submit`. @param done runs on the same thread when the job no longer counts.
  void Start(Admission admission, Job job, Job done);

  std::size_t seats() const override { return normal_ + 1; }
  /// Thread-safe. Asks only idle threads, and never waits for a late one.
  void Share(std::size_t items, const Work& work) override;

  Stats stats() const;
  std::size_t under_way() const { return under_way_.load(std::memory_order_relaxed); }

  /// The last thread calls `closed` after all admitted jobs end.
  void Close(std::function<void()> closed);
  void Abandon();
  /// Call after `closed`.
  void Join();

 private:
  struct Waiting {
    Job job;
    Job done;
  };

  struct Parts;

  void Run();
  void RunReserved();
  bool has_job() const { return !first_.empty() || !always_.empty() || images_.ready() > 0; }
  bool is_over() const { return abandoned_ || (closing_ && admitted_ == 0); }
  bool has_urgent() const {
    return busy_ == normal_ && (!first_.empty() || images_.Waits(FairQueue::Whose::kIdle));
  }
  void DoNext(FairQueue::Whose whose, std::unique_lock<std::mutex>& lock);
  /// The caller must not hold the mutex.
  void Wake(bool is_urgent);
  void WakeAll();
  void Leave(std::unique_lock<std::mutex>& lock);

  /// Pauses a job while the reserved thread works.
  class JobYielder;

  const std::size_t normal_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable wake_reserved_;
  std::deque<Waiting> first_;
  std::deque<Waiting> always_;
  FairQueue images_;
  std::deque<Parts*> shared_;
  std::size_t busy_ = 0;
  std::size_t idle_ = 0;
  std::size_t admitted_ = 0;
  std::size_t running_ = 0;
  std::uint64_t reserved_ended_ = 0;
  /// Hold the mutex to write.
  std::atomic<bool> wants_yield_ = false;
  std::condition_variable reserved_done_;
  std::atomic<std::size_t> under_way_ = 0;
  std::uint64_t ended_ = 0;
  bool closing_ = false;
  bool abandoned_ = false;
  std::vector<std::function<void()>> on_closed_;
  std::size_t alive_;
  std::vector<std::thread> threads_;
};

}  // namespace visage::pipeline
