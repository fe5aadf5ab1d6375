#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace visage::search {

class BackgroundWork {
 public:
  virtual ~BackgroundWork() = default;

  /// Call it each tenth of a millisecond, without a lock that searches or writes need. May sleep.
  /// @returns false if the piece must end now.
  using GoOn = std::function<bool()>;

  /// Works for milliseconds, on several threads at once. @returns whether this thread may find more.
  /// @throws std::bad_alloc; the work then rests until its next enrolment.
  virtual bool Step(const GoOn& go_on) = 0;
};

class Leftover {
 public:
  virtual ~Leftover() = default;

 private:
  friend class Background;
  std::unique_ptr<Leftover> next_;
};

/// Threads of low priority (nice 10) that run enrolled work in turns. Thread-safe.
///
/// They sleep while others need the core, since Linux may let a woken thread wait behind them.
class Background {
 public:
  /// Naps in a row, and then parts without one, so work proceeds on busy cores.
  static constexpr unsigned kNaps = 5;
  static constexpr unsigned kPartsAtOnce = 8;

  /// @param threads at least 1. @param is_crowded whether others need the cores; called often, from all
  /// threads.
  explicit Background(
      unsigned threads, std::function<bool()> is_crowded = [] { return false; })
      : most_threads_(threads), is_crowded_(std::move(is_crowded)) {}
  ~Background() { Stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs `work` until it reports no more, or its last other owner releases it. Does nothing after Stop.
  void Enrol(const std::shared_ptr<BackgroundWork>& work);
  /// Frees the object on a thread; after Stop, at once.
  void Discard(std::unique_ptr<Leftover> leftover) noexcept;
  void Stop();

 private:
  struct Entry {
    std::weak_ptr<BackgroundWork> work;
    const void* identity;
    std::uint64_t enrolments;
  };

  void Run();
  void StartThreads();
  /// @param parts left before the thread's next nap.
  bool MakeWay(unsigned& parts);
  std::list<Entry>::iterator Find(const void* identity);

  const unsigned most_threads_;
  const std::function<bool()> is_crowded_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Entry> entries_;
  std::unique_ptr<Leftover> leftovers_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_ = false;
};

}  // namespace visage::search
