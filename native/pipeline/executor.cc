#include "pipeline/executor.h"

#include <omp.h>

#include "base/error.h"

namespace visage {

Executor::Executor(int threads, std::size_t max_queue)
    : max_bounded_(max_queue + threads), alive_(static_cast<std::size_t>(threads)) {
  threads_.reserve(threads);
  for (int i = 0; i < threads; ++i) threads_.emplace_back(&Executor::Work, this);
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
    waiting_.push_back({admission, std::move(job), std::move(done)});
  }
  wake_.notify_one();
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
  std::deque<Waiting> forgotten;
  {
    const std::lock_guard lock(mutex_);
    closing_ = abandoned_ = true;
    forgotten.swap(waiting_);
  }
  wake_.notify_all();
  Join();
}

void Executor::Join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Executor::Work() {
  // FAISS uses OpenMP: a job has this thread and no other.
  omp_set_num_threads(1);
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return abandoned_ || !waiting_.empty() || (closing_ && admitted_ == 0); });
    if (abandoned_ || waiting_.empty()) break;
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
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
    lock.lock();
  }
  if (--alive_ > 0 || abandoned_) return;
  const std::vector<std::function<void()>> on_closed = std::move(on_closed_);
  lock.unlock();
  for (const auto& closed : on_closed) closed();
}

}  // namespace visage
