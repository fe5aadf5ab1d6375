#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace visage::pipeline {

/// Empty for the service's jobs.
struct Tenant {
  std::string account;
  std::string key;
};

/// Accounts, and an account's keys, share the queue fairly. Not thread-safe.
///
/// Order: start-time fair queueing on two levels (Goyal, Guo, Vin, OSDI 1996). A job is charged when it ends.
///
/// Room: a full queue refuses the newest job of the tenant with the most, for a tenant with fewer (longest
/// queue drop; Suter et al., IEEE JSAC 17(6), 1999).
///
/// Indivisible jobs show themselves while they run. A job without a place then defers, and waits for one.
class FairQueue {
 private:
  struct Flow;
  struct Key;
  struct Account;

 public:
  struct Job {
    std::function<void()> run;
    /// Replaces `run` if the queue drops the job.
    std::function<void(std::exception_ptr)> refuse;
    std::function<void()> done;
  };

  struct Dropped {
    Job job;
    std::exception_ptr why;
  };

  class Turn {
   public:
    Job job;

   private:
    friend class FairQueue;
    Account* account = nullptr;
    Key* key = nullptr;
    /// Seconds that the queue charges in advance.
    double advance = 0;
    bool is_indivisible = false;
  };

  enum class Whose { kAny, kIdle };

  /// @param places most indivisible jobs at a time.
  FairQueue(std::size_t capacity, std::size_t places);
  ~FairQueue();
  FairQueue(const FairQueue&) = delete;
  FairQueue& operator=(const FairQueue&) = delete;

  /// The caller must refuse the returned job. @throws kOverloaded, with the queue unchanged.
  std::optional<Dropped> Push(const Tenant& tenant, Job job);

  /// Jobs that can begin.
  std::size_t ready() const { return waiting_ - (has_place() ? 0 : deferred_); }
  bool Waits(Whose whose) const;
  /// Requires `Waits(whose)`.
  Turn Take(Whose whose);
  /// Whether the running job has a place until it ends.
  bool BeginIndivisible(Turn& turn);
  /// Takes the job back. @param seconds of thread time.
  void Defer(Turn& turn, double seconds);
  /// @param seconds of thread time.
  void End(const Turn& turn, double seconds);

  std::deque<Job> TakeAll();

 private:
  /// Seconds of thread time, comparable between sibling flows.
  struct Flow {
    std::size_t waiting = 0;
    /// Of `waiting`.
    std::size_t deferred = 0;
    std::size_t running = 0;
    double time = 0;

    std::size_t held() const { return waiting + running; }
  };
  struct Key : Flow {
    std::deque<Job> jobs;
    std::deque<Job> deferred_jobs;
    double usual = 0;
  };
  struct Account : Flow {
    std::map<std::string, Key> keys;
    /// `time` of the last served key.
    double clock = 0;
  };

  bool has_place() const { return indivisible_ < places_; }
  std::size_t Ready(const Flow& flow) const { return flow.waiting - (has_place() ? 0 : flow.deferred); }
  static void Charge(const Turn& turn, double seconds);
  Account* Longest();
  static Key* Longest(Account& account);
  Dropped Drop(Account& account, Key& key);
  void Remove(Account& account, Key& key, bool is_deferred);
  void ForgetIdle();

  const std::size_t capacity_;
  const std::size_t places_;
  std::size_t held_ = 0;
  std::size_t waiting_ = 0;
  std::size_t deferred_ = 0;
  std::size_t indivisible_ = 0;
  /// `time` of the last served account.
  double clock_ = 0;
  std::map<std::string, Account> accounts_;
};

}  // namespace visage::pipeline
