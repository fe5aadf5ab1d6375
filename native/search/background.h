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

/// Something that is done piece by piece while nothing else needs the processor.
class BackgroundWork {
 public:
  virtual ~BackgroundWork() = default;

  /// Asked before each part of a piece that takes a tenth of a millisecond or so, where no lock is held that
  /// a search or a write could wait for. Waits while others need the processor. @returns false where the
  /// piece is to end now.
  using GoOn = std::function<bool()>;

  /// Does a piece of some milliseconds of processor time. From any number of threads at once. @returns
  /// whether there may be more for this thread. @throws std::bad_alloc, which ends it until it is enrolled
  /// again.
  virtual bool Step(const GoOn& go_on) = 0;
};

/// Something whose memory takes a while to be given back. Nobody uses it any more.
class Leftover {
 public:
  virtual ~Leftover() = default;

 private:
  friend class Background;
  std::unique_ptr<Leftover> next_;
};

/// Threads of a low priority (nice 10) that do what is enrolled, in turns: beside as many threads that always
/// have work they get about a tenth of the processor. They are started when first needed. Thread-safe.
///
/// A priority is not enough. Linux may leave a thread that has just woken up on the queue of a core for
/// hundreds of milliseconds while one of a lower priority runs there (seen with 6.18, EEVDF). So these
/// threads leave the core themselves where others need it.
class Background {
 public:
  /// Naps for which a thread makes way at most, and parts of its work that it then does at once, so that work
  /// goes on where all cores are always in use.
  static constexpr unsigned kNaps = 5;
  static constexpr unsigned kPartsAtOnce = 8;

  /// @param threads at least 1. @param is_crowded whether others need the core that a thread is on; asked
  /// often, from any of them.
  explicit Background(
      unsigned threads, std::function<bool()> is_crowded = [] { return false; })
      : most_threads_(threads), is_crowded_(std::move(is_crowded)) {}
  ~Background() { Stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Has `work` done until it says that there is no more, or nobody else holds it. After Stop nothing.
  void Enrol(const std::shared_ptr<BackgroundWork>& work);
  /// Has one of the threads end this soon, so that the caller, whoever it is, need not wait; after Stop, and
  /// where the system has no thread left, it ends at once.
  void Discard(std::unique_ptr<Leftover> leftover) noexcept;
  /// Ends the threads soon and joins them; for good.
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
  /// GoOn of one thread. @param parts that it may do before it makes way again.
  bool MakeWay(unsigned& parts);
  std::list<Entry>::iterator Find(const void* identity);

  const unsigned most_threads_;
  const std::function<bool()> is_crowded_;
  std::mutex mutex_;
  std::condition_variable wake_;
  /// Whose turn is next first.
  std::list<Entry> entries_;
  std::unique_ptr<Leftover> leftovers_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_ = false;
};

}  // namespace visage::search
