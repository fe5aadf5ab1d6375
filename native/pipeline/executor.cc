#include "pipeline/executor.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "base/error.h"

namespace visage::pipeline {

struct Executor::Parts {
  const std::size_t items;
  const base::Team::Work& work;
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> seats = 0;
  std::size_t helpers = 0;
  std::condition_variable all_left;
  std::exception_ptr failure;
  std::size_t failed = items;

  void Work(std::mutex& mutex) {
    const std::size_t seat = seats++;
    for (std::size_t item; (item = next++) < items;) {
      base::YieldPoint();
      try {
        work(item, seat);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (item < failed) {
          failed = item;
          failure = std::current_exception();
        }
      }
    }
  }
};

class Executor::JobYielder : public base::Yielder {
 public:
  /// @param turn null for a job that is no image.
  JobYielder(Executor& executor, bool is_reserved, FairQueue::Turn* turn)
      : executor_(executor), is_reserved_(is_reserved), turn_(turn) {}

  void Yield() noexcept override {
    if (is_reserved_ || !executor_.wants_yield_.load(std::memory_order_relaxed)) return;
    std::unique_lock lock(executor_.mutex_);
    if (!executor_.wants_yield_) return;
    // A job ends under any load, because it yields at most half of its time.
    const Clock::time_point now = Clock::now();
    const Clock::duration most = (now - began_) / 2 - held_;
    if (most <= Clock::duration::zero()) return;
    executor_.wants_yield_ = false;
    const bool is_done =
        executor_.reserved_done_.wait_for(lock, most, [this, ended = executor_.reserved_ended_] {
          return executor_.reserved_ended_ != ended || executor_.abandoned_;
        });
    if (!is_done) executor_.wants_yield_ = true;
    held_ += Clock::now() - now;
  }

  void BeginIndivisible() override {
    if (turn_ == nullptr) return;
    const std::lock_guard lock(executor_.mutex_);
    if (!executor_.images_.BeginIndivisible(*turn_)) throw base::Deferred();
  }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - began_ - held_).count(); }

 private:
  using Clock = std::chrono::steady_clock;

  Executor& executor_;
  const bool is_reserved_;
  FairQueue::Turn* const turn_;
  const Clock::time_point began_ = Clock::now();
  Clock::duration held_{};
};

Executor::Executor(int threads, std::size_t max_queue)
    : normal_(static_cast<std::size_t>(threads)),
      images_(max_queue + normal_, std::max<std::size_t>(normal_, 2) - 1),
      alive_(normal_ + 1) {
  threads_.reserve(alive_);
  threads_.emplace_back(&Executor::RunReserved, this);
  for (int i = 0; i < threads; ++i) threads_.emplace_back(&Executor::Run, this);
}

Executor::~Executor() { Abandon(); }

void Executor::Submit(const Tenant& tenant, FairQueue::Job job) {
  std::optional<FairQueue::Dropped> dropped;
  bool is_urgent;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) throw base::Error(base::ErrorCode::kNotReady, "The executor is closed");
    dropped = images_.Push(tenant, std::move(job));
    if (!dropped) {
      ++admitted_;
      ++under_way_;
    }
    is_urgent = has_urgent();
  }
  Wake(is_urgent);
  if (!dropped) return;
  dropped->job.refuse(dropped->why);
  dropped->job.done();
}

void Executor::Admit() {
  const std::lock_guard lock(mutex_);
  if (closing_) throw base::Error(base::ErrorCode::kNotReady, "The executor is closed");
  ++admitted_;
}

void Executor::Start(Admission admission, Job job, Job done) {
  bool is_urgent;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return;
    (admission == Admission::kFirst ? first_ : always_).push_back({std::move(job), std::move(done)});
    ++under_way_;
    is_urgent = has_urgent();
  }
  Wake(is_urgent);
}

void Executor::Wake(bool is_urgent) {
  if (is_urgent) {
    wake_reserved_.notify_one();
  } else {
    wake_.notify_one();
  }
}

void Executor::WakeAll() {
  wake_.notify_all();
  wake_reserved_.notify_all();
  reserved_done_.notify_all();
}

void Executor::Share(std::size_t items, const Work& work) {
  Parts parts{.items = items, .work = work};
  std::size_t asked = 0;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t taken = first_.size() + always_.size() + images_.ready() + shared_.size();
    if (items > 1 && idle_ > taken) asked = std::min(items - 1, idle_ - taken);
    shared_.insert(shared_.end(), asked, &parts);
  }
  for (std::size_t i = 0; i < asked; ++i) wake_.notify_one();
  parts.Work(mutex_);
  std::unique_lock lock(mutex_);
  if (asked > 0) {
    std::erase(shared_, &parts);
    parts.all_left.wait(lock, [&] { return parts.helpers == 0; });
  }
  if (parts.failure) std::rethrow_exception(parts.failure);
}

Executor::Stats Executor::stats() const {
  const std::lock_guard lock(mutex_);
  return {static_cast<int>(normal_), admitted_ - running_, running_, ended_};
}

void Executor::Close(std::function<void()> closed) {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    if (alive_ > 0) {
      on_closed_.push_back(std::move(closed));
      closed = nullptr;
    }
  }
  WakeAll();
  if (closed) closed();
}

void Executor::Abandon() {
  std::deque<Waiting> first, always;
  std::deque<FairQueue::Job> images;
  {
    const std::lock_guard lock(mutex_);
    closing_ = abandoned_ = true;
    first.swap(first_);
    always.swap(always_);
    images = images_.TakeAll();
  }
  WakeAll();
  Join();
}

void Executor::Join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Executor::DoNext(FairQueue::Whose whose, std::unique_lock<std::mutex>& lock) {
  const bool is_reserved = whose == FairQueue::Whose::kIdle;
  Waiting next;
  FairQueue::Turn turn;
  const bool may_be_any = !is_reserved && !always_.empty();
  const bool is_image = first_.empty() && !may_be_any;
  if (is_image) {
    turn = images_.Take(whose);
  } else {
    std::deque<Waiting>& queue = first_.empty() ? always_ : first_;
    next = std::move(queue.front());
    queue.pop_front();
  }
  ++running_;
  if (is_reserved) {
    wants_yield_ = true;
  } else {
    ++busy_;
  }
  if (has_urgent()) wake_reserved_.notify_one();
  lock.unlock();
  JobYielder job_yielder(*this, is_reserved, is_image ? &turn : nullptr);
  base::yielder = &job_yielder;
  bool is_deferred = false;
  try {
    (is_image ? turn.job.run : next.job)();
  } catch (const base::Deferred&) {
    is_deferred = true;
  }
  base::yielder = nullptr;
  const double seconds = job_yielder.seconds();
  lock.lock();
  if (is_deferred) {
    images_.Defer(turn, seconds);
  } else if (is_image) {
    images_.End(turn, seconds);
  }
  // Another thread may now begin an image that waited for a place.
  if (idle_ > 0 && has_job()) wake_.notify_one();
  if (is_reserved) {
    ++reserved_ended_;
    wants_yield_ = false;
    reserved_done_.notify_all();
  } else {
    --busy_;
  }
  --running_;
  if (is_deferred) return;
  ++ended_;
  --admitted_;
  if (closing_ && admitted_ == 0) WakeAll();
  lock.unlock();
  (is_image ? turn.job.done : next.done)();
  next = {};
  turn = {};
  --under_way_;
  lock.lock();
}

void Executor::RunReserved() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_reserved_.wait(lock, [&] { return is_over() || has_urgent(); });
    if (abandoned_ || !has_urgent()) break;
    DoNext(FairQueue::Whose::kIdle, lock);
  }
  Leave(lock);
}

void Executor::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [&] { return is_over() || !shared_.empty() || has_job(); });
    --idle_;
    if (abandoned_) break;
    if (!shared_.empty()) {
      Parts& parts = *shared_.front();
      shared_.pop_front();
      ++parts.helpers;
      ++busy_;
      if (has_urgent()) wake_reserved_.notify_one();
      lock.unlock();
      parts.Work(mutex_);
      lock.lock();
      --busy_;
      if (--parts.helpers == 0) parts.all_left.notify_all();
      continue;
    }
    if (!has_job()) break;
    DoNext(FairQueue::Whose::kAny, lock);
  }
  Leave(lock);
}

void Executor::Leave(std::unique_lock<std::mutex>& lock) {
  if (--alive_ > 0 || abandoned_) return;
  const std::vector<std::function<void()>> on_closed = std::move(on_closed_);
  lock.unlock();
  for (const auto& closed : on_closed) closed();
}

}  // namespace visage::pipeline
