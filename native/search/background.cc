#include "search/background.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <new>

namespace visage::search {
namespace {

/// A tenth of the other threads' share. With 19, a copy would take hours on busy cores.
constexpr int kNice = 10;
constexpr std::chrono::microseconds kNap{500};

}  // namespace

void Background::Enrol(const std::shared_ptr<BackgroundWork>& work) {
  const std::lock_guard lock(mutex_);
  if (stop_) return;
  if (const auto known = Find(work.get()); known != entries_.end()) {
    ++known->enrolments;
    return;
  }
  entries_.push_back({work, work.get(), 0});
  StartThreads();
  wake_.notify_all();
}

void Background::Discard(std::unique_ptr<Leftover> leftover) noexcept {
  const std::lock_guard lock(mutex_);
  if (stop_) return;
  try {
    StartThreads();
  } catch (const std::exception&) {
    if (threads_.empty()) return;
  }
  leftover->next_ = std::move(leftovers_);
  leftovers_ = std::move(leftover);
  wake_.notify_one();
}

bool Background::MakeWay(unsigned& parts) {
  if (parts > 0) {
    --parts;
    return !stop_;
  }
  for (unsigned naps = 0; !stop_ && is_crowded_(); ++naps) {
    if (naps == kNaps) {
      parts = kPartsAtOnce;
      break;
    }
    std::this_thread::sleep_for(kNap);
  }
  return !stop_;
}

void Background::StartThreads() {
  while (threads_.size() < most_threads_) threads_.emplace_back([this] { Run(); });
}

void Background::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  std::vector<std::thread> threads;
  threads.swap(threads_);
  for (std::thread& thread : threads) thread.join();
  while (leftovers_) leftovers_ = std::move(leftovers_->next_);
}

std::list<Background::Entry>::iterator Background::Find(const void* identity) {
  return std::ranges::find(entries_, identity, &Entry::identity);
}

void Background::Run() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  unsigned parts = 0;
  const BackgroundWork::GoOn go_on = [&] { return MakeWay(parts); };
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || leftovers_ || !entries_.empty(); });
    if (stop_) return;
    if (leftovers_) {
      std::unique_ptr<Leftover> ended = std::move(leftovers_);
      leftovers_ = std::move(ended->next_);
      lock.unlock();
      ended.reset();
      lock.lock();
      continue;
    }
    // To the end, so other threads take other entries first.
    entries_.splice(entries_.end(), entries_, entries_.begin());
    const Entry turn = entries_.back();
    lock.unlock();
    bool is_alive = false;
    bool has_more = false;
    if (std::shared_ptr<BackgroundWork> work = turn.work.lock()) {
      is_alive = true;
      try {
        has_more = work->Step(go_on);
      } catch (const std::bad_alloc&) {
      }
    }
    lock.lock();
    const auto entry = Find(turn.identity);
    if (has_more && entry == entries_.end()) {
      // Another thread removed the entry, but this one found more work.
      entries_.push_back(turn);
    } else if (!has_more && entry != entries_.end() && (!is_alive || entry->enrolments == turn.enrolments)) {
      entries_.erase(entry);
    }
  }
}

}  // namespace visage::search
