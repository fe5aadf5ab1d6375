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

/// Work in pieces that runs while the executor leaves cores free.
class BackgroundWork {
 public:
  virtual ~BackgroundWork() = default;

  /// Call it before each part of a piece, about a tenth of a millisecond of work, without a lock that a
  /// search or a write needs. Sleeps while others need the processor. @returns false if the piece must end
  /// now.
  using GoOn = std::function<bool()>;

  /// Runs a piece of some milliseconds. Several threads may call it at once. @returns whether there may be
  /// more for this thread. @throws std::bad_alloc; the work then rests until its next enrolment.
  virtual bool Step(const GoOn& go_on) = 0;
};

/// An unused object whose memory takes long to free.
class Leftover {
 public:
  virtual ~Leftover() = default;

 private:
  friend class Background;
  std::unique_ptr<Leftover> next_;
};

/// Threads of low priority (nice 10) that run enrolled work in turns. Beside as many busy threads they get
/// about a tenth of the processor. The first enrolment starts them. Thread-safe.
///
/// A priority is not enough: Linux may leave a woken thread in a core's queue for hundreds of milliseconds
/// while a thread of lower priority runs there (seen with 6.18, EEVDF). So these threads sleep while others
/// need the core.
class Background {
 public:
  /// Longest row of naps, and the parts that a thread then runs without one, so that work proceeds on busy
  /// cores.
  static constexpr unsigned kNaps = 5;
  static constexpr unsigned kPartsAtOnce = 8;

  /// @param threads at least 1. @param is_crowded tells whether others need the cores; called often, from all
  /// threads.
  explicit Background(
      unsigned threads, std::function<bool()> is_crowded = [] { return false; })
      : most_threads_(threads), is_crowded_(std::move(is_crowded)) {}
  ~Background() { Stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs `work` until it reports no more, or its last other owner releases it. Does nothing after Stop.
  void Enrol(const std::shared_ptr<BackgroundWork>& work);
  /// Frees an object on one of the threads, so that the caller need not wait; after Stop, or without a
  /// thread, at once.
  void Discard(std::unique_ptr<Leftover> leftover) noexcept;
  /// Ends and joins the threads, permanently.
  void Stop();

 private:
  struct Entry {
    std::weak_ptr<BackgroundWork> work;
    /// Only compared.
    const void* identity;
    std::uint64_t enrolments;
  };

  void Run();
  void StartThreads();
  /// GoOn of one thread. @param parts that it may run before its next nap.
  bool MakeWay(unsigned& parts);
  std::list<Entry>::iterator Find(const void* identity);

  const unsigned most_threads_;
  const std::function<bool()> is_crowded_;
  std::mutex mutex_;
  std::condition_variable wake_;
  /// In order of turns.
  std::list<Entry> entries_;
  std::unique_ptr<Leftover> leftovers_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_ = false;
};

}  // namespace visage::search
