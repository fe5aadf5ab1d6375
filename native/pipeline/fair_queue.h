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
  };

  enum class Whose { kAny, kIdle };

  explicit FairQueue(std::size_t capacity);
  ~FairQueue();
  FairQueue(const FairQueue&) = delete;
  FairQueue& operator=(const FairQueue&) = delete;

  /// The caller must refuse the returned job. @throws kOverloaded, with the queue unchanged.
  std::optional<Dropped> Push(const Tenant& tenant, Job job);

  bool empty() const { return waiting_ == 0; }
  std::size_t waiting() const { return waiting_; }
  bool Waits(Whose whose) const;
  /// Requires `Waits(whose)`.
  Turn Take(Whose whose);
  /// @param seconds of thread time.
  void End(const Turn& turn, double seconds);

  std::deque<Job> TakeAll();

 private:
  /// Seconds of thread time, comparable between sibling flows.
  struct Flow {
    std::size_t waiting = 0;
    std::size_t running = 0;
    double time = 0;

    std::size_t held() const { return waiting + running; }
  };
  struct Key : Flow {
    std::deque<Job> jobs;
    double usual = 0;
  };
  struct Account : Flow {
    std::map<std::string, Key> keys;
    /// `time` of the last served key.
    double clock = 0;
  };

  Account* Longest();
  static Key* Longest(Account& account);
  Dropped Drop(Account& account, Key& key);
  void ForgetIdle();

  const std::size_t capacity_;
  std::size_t held_ = 0;
  std::size_t waiting_ = 0;
  /// `time` of the last served account.
  double clock_ = 0;
  std::map<std::string, Account> accounts_;
};

}  // namespace visage::pipeline
