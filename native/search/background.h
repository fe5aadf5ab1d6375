#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace visage {

/// Something that is done piece by piece while nothing else needs the processor.
class BackgroundWork {
 public:
  virtual ~BackgroundWork() = default;

  /// Does a piece of some milliseconds of processor time, less once `stop` is true. From any number of
  /// threads at once. @returns whether there may be more for this thread. @throws std::bad_alloc, which ends
  /// it until it is enrolled again.
  virtual bool Step(const std::atomic<bool>& stop) = 0;
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
class Background {
 public:
  /// @param threads at least 1.
  explicit Background(unsigned threads) : most_threads_(threads) {}
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
  std::list<Entry>::iterator Find(const void* identity);

  const unsigned most_threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  /// Whose turn is next first.
  std::list<Entry> entries_;
  std::unique_ptr<Leftover> leftovers_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_ = false;
};

}  // namespace visage
