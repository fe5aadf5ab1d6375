#include "pipeline/executor.h"

#include <algorithm>
#include <atomic>
#include <exception>

#include "base/error.h"

namespace visage {

struct Executor::Parts {
  const std::size_t items;
  const Team::Work& work;
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> seats = 0;
  /// The rest is for who holds the executor's mutex.
  std::size_t helpers = 0;
  std::condition_variable all_left;
  std::exception_ptr failure;
  std::size_t failed = items;

  /// Works until no item is left.
  void Work(std::mutex& mutex) {
    const std::size_t seat = seats++;
    for (std::size_t item; (item = next++) < items;) {
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

Executor::Executor(int threads, std::size_t max_queue)
    : max_bounded_(max_queue + threads), alive_(static_cast<std::size_t>(threads)) {
  threads_.reserve(threads);
  for (int i = 0; i < threads; ++i) threads_.emplace_back(&Executor::Run, this);
}

Executor::~Executor() { Abandon(); }

void Executor::Admit(Admission admission) {
  const std::lock_guard lock(mutex_);
  if (closing_) throw Error(ErrorCode::kNotReady, "The executor is closed");
  if (admission == Admission::kBounded) {
    if (bounded_ >= max_bounded_)
      throw Error(ErrorCode::kOverloaded, "Too many pictures and searches are waiting");
    ++bounded_;
  }
  ++admitted_;
}

void Executor::Start(Admission admission, Job job, Job done) {
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return;
    (admission == Admission::kFirst ? first_ : waiting_)
        .push_back({admission, std::move(job), std::move(done)});
    ++under_way_;
  }
  wake_.notify_one();
}

void Executor::Share(std::size_t items, const Work& work) {
  Parts parts{.items = items, .work = work};
  std::size_t asked = 0;
  {
    const std::lock_guard lock(mutex_);
    // A thread that was woken for what waits counts as idle until it is awake.
    const std::size_t taken = first_.size() + waiting_.size() + shared_.size();
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
  return {static_cast<int>(threads_.size()), admitted_ - running_, running_, ended_};
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
  wake_.notify_all();
  if (closed) closed();
}

void Executor::Abandon() {
  std::deque<Waiting> forgotten, forgotten_first;
  {
    const std::lock_guard lock(mutex_);
    closing_ = abandoned_ = true;
    forgotten.swap(waiting_);
    forgotten_first.swap(first_);
  }
  wake_.notify_all();
  Join();
}

void Executor::Join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

Executor::Waiting Executor::Next() {
  std::deque<Waiting>& queue = first_.empty() ? waiting_ : first_;
  Waiting next = std::move(queue.front());
  queue.pop_front();
  return next;
}

void Executor::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto has_job = [&] { return !first_.empty() || !waiting_.empty(); };
    ++idle_;
    wake_.wait(lock,
               [&] { return abandoned_ || !shared_.empty() || has_job() || (closing_ && admitted_ == 0); });
    --idle_;
    if (abandoned_) break;
    if (!shared_.empty()) {
      Parts& parts = *shared_.front();
      shared_.pop_front();
      ++parts.helpers;
      lock.unlock();
      parts.Work(mutex_);
      lock.lock();
      if (--parts.helpers == 0) parts.all_left.notify_all();
      continue;
    }
    if (!has_job()) break;
    Waiting next = Next();
    ++running_;
    lock.unlock();
    next.job();
    lock.lock();
    --running_;
    ++ended_;
    --admitted_;
    if (next.admission == Admission::kBounded) --bounded_;
    if (closing_ && admitted_ == 0) wake_.notify_all();
    lock.unlock();
    next.done();
    next = {};
    --under_way_;
    lock.lock();
  }
  if (--alive_ > 0 || abandoned_) return;
  const std::vector<std::function<void()>> on_closed = std::move(on_closed_);
  lock.unlock();
  for (const auto& closed : on_closed) closed();
}

}  // namespace visage
