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

template <typename Flow>
void BeginOne(Flow& flow, double advance) {
  --flow.waiting;
  ++flow.running;
  flow.time += advance;
}

/// @param own, other places of two flows.
bool MayHaveOneOf(std::size_t own, std::size_t other) { return own + 1 < other; }

template <typename Flows, typename Allowed, typename Measure>
auto* Best(Flows& flows, Allowed allowed, Measure measure) {
  decltype(&flows.begin()->second) best = nullptr;
  for (auto& [name, flow] : flows) {
    if (flow.waiting == 0 || !allowed(flow)) continue;
    if (best == nullptr || measure(flow) < measure(*best)) best = &flow;
  }
  return best;
}

base::Error Full(const std::string& whose, std::size_t held, std::size_t capacity) {
  return base::Error(base::ErrorCode::kOverloaded,
                     "The image queue is full: " + whose + " " + std::to_string(held) + " of its " +
                         std::to_string(capacity) + " places. Send fewer images at a time.");
}

constexpr auto kEvery = [](const auto&) { return true; };
constexpr auto kTime = [](const auto& flow) { return flow.time; };
constexpr auto kMostHeld = [](const auto& flow) { return -static_cast<double>(flow.held()); };

template <typename Flows>
void Forget(Flows& flows, double clock) {
  std::erase_if(
      flows, [clock](const auto& entry) { return entry.second.held() == 0 && entry.second.time <= clock; });
}

}  // namespace

FairQueue::FairQueue(std::size_t capacity) : capacity_(capacity) {}

FairQueue::~FairQueue() = default;

FairQueue::Account* FairQueue::Longest() { return Best(accounts_, kEvery, kMostHeld); }

FairQueue::Key* FairQueue::Longest(Account& account) { return Best(account.keys, kEvery, kMostHeld); }

FairQueue::Dropped FairQueue::Drop(Account& account, Key& key) {
  Dropped dropped{std::move(key.jobs.back()),
                  std::make_exception_ptr(Full("this key held", key.held(), capacity_))};
  key.jobs.pop_back();
  --key.waiting;
  --account.waiting;
  --waiting_;
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
  if (whose == Whose::kAny) return waiting_ > 0;
  return waiting_ > 0 && std::ranges::any_of(accounts_, [](const auto& entry) {
           return entry.second.waiting > 0 && entry.second.running == 0;
         });
}

FairQueue::Turn FairQueue::Take(Whose whose) {
  const auto allowed = [whose](const Account& account) {
    return whose == Whose::kAny || account.running == 0;
  };
  Account& account = *Best(accounts_, allowed, kTime);
  Key& key = *Best(account.keys, kEvery, kTime);
  clock_ = std::max(clock_, account.time);
  account.clock = std::max(account.clock, key.time);
  Turn turn;
  turn.job = std::move(key.jobs.front());
  turn.account = &account;
  turn.key = &key;
  // Otherwise all threads take jobs of one flow before its first charge.
  turn.advance = key.usual;
  key.jobs.pop_front();
  --waiting_;
  BeginOne(account, turn.advance);
  BeginOne(key, turn.advance);
  return turn;
}

void FairQueue::End(const Turn& turn, double seconds) {
  Key& key = *turn.key;
  key.usual += kLatest * (seconds - key.usual);
  for (Flow* flow : {static_cast<Flow*>(turn.account), static_cast<Flow*>(&key)}) {
    flow->time += seconds - turn.advance;
    --flow->running;
  }
  --held_;
}

std::deque<FairQueue::Job> FairQueue::TakeAll() {
  std::deque<Job> jobs;
  for (auto& [id, account] : accounts_) {
    for (auto& [name, key] : account.keys) {
      held_ -= key.jobs.size();
      account.waiting -= key.jobs.size();
      key.waiting = 0;
      std::ranges::move(key.jobs, std::back_inserter(jobs));
      key.jobs.clear();
    }
  }
  waiting_ = 0;
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
