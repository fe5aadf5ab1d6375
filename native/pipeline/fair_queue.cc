#include "pipeline/fair_queue.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace visage::pipeline {
namespace {

constexpr double kLatest = 0.25;

/// A new flow starts at the time of the flows in service.
template <typename Flow>
void AddOne(Flow& flow, double clock) {
  if (flow.waiting++ == 0) flow.time = std::max(flow.time, clock);
}

/// @param own, other places of two flows.
bool MayHaveOneOf(std::size_t own, std::size_t other) { return own + 1 < other; }

template <typename Flows, typename Allowed, typename Measure>
auto* Best(Flows& flows, Allowed allowed, Measure measure) {
  decltype(&flows.begin()->second) best = nullptr;
  for (auto& [name, flow] : flows) {
    if (!allowed(flow)) continue;
    if (best == nullptr || measure(flow) < measure(*best)) best = &flow;
  }
  return best;
}

base::Error Full(const std::string& whose, std::size_t held, std::size_t capacity) {
  return base::Error(base::ErrorCode::kOverloaded,
                     "The image queue is full: " + whose + " " + std::to_string(held) + " of its " +
                         std::to_string(capacity) + " places. Send fewer images at a time.");
}

constexpr auto kWaiting = [](const auto& flow) { return flow.waiting > 0; };
constexpr auto kTime = [](const auto& flow) { return flow.time; };
constexpr auto kMostHeld = [](const auto& flow) { return -static_cast<double>(flow.held()); };

template <typename Flows>
void Forget(Flows& flows, double clock) {
  std::erase_if(
      flows, [clock](const auto& entry) { return entry.second.held() == 0 && entry.second.time <= clock; });
}

}  // namespace

FairQueue::FairQueue(std::size_t capacity, std::size_t places) : capacity_(capacity), places_(places) {}

FairQueue::~FairQueue() = default;

FairQueue::Account* FairQueue::Longest() { return Best(accounts_, kWaiting, kMostHeld); }

FairQueue::Key* FairQueue::Longest(Account& account) { return Best(account.keys, kWaiting, kMostHeld); }

FairQueue::Dropped FairQueue::Drop(Account& account, Key& key) {
  const bool is_deferred = key.jobs.empty();
  std::deque<Job>& jobs = is_deferred ? key.deferred_jobs : key.jobs;
  Dropped dropped{std::move(jobs.back()),
                  std::make_exception_ptr(Full("this key held", key.held(), capacity_))};
  jobs.pop_back();
  Remove(account, key, is_deferred);
  --held_;
  return dropped;
}

std::optional<FairQueue::Dropped> FairQueue::Push(const Tenant& tenant, Job job) {
  ForgetIdle();
  std::optional<Dropped> dropped;
  if (held_ >= capacity_) {
    const auto account = accounts_.find(tenant.account);
    const std::size_t own = account == accounts_.end() ? 0 : account->second.held();
    Account* longest = Longest();
    Key* from = nullptr;
    if (longest != nullptr && MayHaveOneOf(own, longest->held())) {
      from = Longest(*longest);
    } else if (own > 0 && account->second.waiting > 0) {
      longest = &account->second;
      const auto key = longest->keys.find(tenant.key);
      Key* const most = Longest(*longest);
      if (MayHaveOneOf(key == longest->keys.end() ? 0 : key->second.held(), most->held())) from = most;
    }
    if (from == nullptr) throw Full("this account holds", own, capacity_);
    dropped = Drop(*longest, *from);
  }
  Account& account = accounts_[tenant.account];
  Key& key = account.keys[tenant.key];
  AddOne(account, clock_);
  AddOne(key, account.clock);
  key.jobs.push_back(std::move(job));
  ++waiting_;
  ++held_;
  return dropped;
}

bool FairQueue::Waits(Whose whose) const {
  if (whose == Whose::kAny) return ready() > 0;
  return ready() > 0 && std::ranges::any_of(accounts_, [this](const auto& entry) {
           return Ready(entry.second) > 0 && entry.second.running == 0;
         });
}

void FairQueue::Remove(Account& account, Key& key, bool is_deferred) {
  const std::size_t deferred = is_deferred ? 1 : 0;
  for (Flow* flow : {static_cast<Flow*>(&account), static_cast<Flow*>(&key)}) {
    --flow->waiting;
    flow->deferred -= deferred;
  }
  --waiting_;
  deferred_ -= deferred;
}

FairQueue::Turn FairQueue::Take(Whose whose) {
  const auto is_ready = [this](const Flow& flow) { return Ready(flow) > 0; };
  const auto allowed = [&](const Account& account) {
    return is_ready(account) && (whose == Whose::kAny || account.running == 0);
  };
  Account& account = *Best(accounts_, allowed, kTime);
  Key& key = *Best(account.keys, is_ready, kTime);
  clock_ = std::max(clock_, account.time);
  account.clock = std::max(account.clock, key.time);
  Turn turn;
  // A deferred job is older than the key's other jobs.
  const bool is_deferred = key.deferred > 0 && has_place();
  std::deque<Job>& jobs = is_deferred ? key.deferred_jobs : key.jobs;
  turn.job = std::move(jobs.front());
  turn.account = &account;
  turn.key = &key;
  // Otherwise all threads take jobs of one flow before its first charge.
  turn.advance = key.usual;
  jobs.pop_front();
  Remove(account, key, is_deferred);
  if (is_deferred) BeginIndivisible(turn);
  for (Flow* flow : {static_cast<Flow*>(&account), static_cast<Flow*>(&key)}) {
    ++flow->running;
    flow->time += turn.advance;
  }
  return turn;
}

bool FairQueue::BeginIndivisible(Turn& turn) {
  if (turn.is_indivisible) return true;
  if (!has_place()) return false;
  turn.is_indivisible = true;
  ++indivisible_;
  return true;
}

void FairQueue::Charge(const Turn& turn, double seconds) {
  for (Flow* flow : {static_cast<Flow*>(turn.account), static_cast<Flow*>(turn.key)}) {
    flow->time += seconds - turn.advance;
    --flow->running;
  }
}

void FairQueue::Defer(Turn& turn, double seconds) {
  Charge(turn, seconds);
  for (Flow* flow : {static_cast<Flow*>(turn.account), static_cast<Flow*>(turn.key)}) {
    ++flow->waiting;
    ++flow->deferred;
  }
  turn.key->deferred_jobs.push_back(std::move(turn.job));
  ++waiting_;
  ++deferred_;
}

void FairQueue::End(const Turn& turn, double seconds) {
  Key& key = *turn.key;
  key.usual += kLatest * (seconds - key.usual);
  Charge(turn, seconds);
  if (turn.is_indivisible) --indivisible_;
  --held_;
}

std::deque<FairQueue::Job> FairQueue::TakeAll() {
  std::deque<Job> jobs;
  for (auto& [id, account] : accounts_) {
    for (auto& [name, key] : account.keys) {
      held_ -= key.waiting;
      account.waiting -= key.waiting;
      account.deferred -= key.deferred;
      key.waiting = key.deferred = 0;
      for (std::deque<Job>* each : {&key.deferred_jobs, &key.jobs}) {
        std::ranges::move(*each, std::back_inserter(jobs));
        each->clear();
      }
    }
  }
  waiting_ = deferred_ = 0;
  return jobs;
}

void FairQueue::ForgetIdle() {
  // In an empty queue, all tenants start equal.
  if (held_ == 0) {
    accounts_.clear();
    clock_ = 0;
    return;
  }
  for (auto& [id, account] : accounts_) Forget(account.keys, account.clock);
  Forget(accounts_, clock_);
}

}  // namespace visage::pipeline
