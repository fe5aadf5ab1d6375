#include "search/sequencer.h"

namespace visage::search {

void Sequencer::Add(Kind kind, Job work, std::function<void(Job)> start) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({kind, std::move(work), std::move(start)});
  Advance();
}

void Sequencer::End(Kind kind) {
  const std::lock_guard lock(mutex_);
  if (kind == Kind::kWrite) {
    writing_ = false;
  } else {
    --reading_;
  }
  Advance();
}

void Sequencer::Advance() {
  while (!waiting_.empty() && !writing_) {
    const Kind kind = waiting_.front().kind;
    if (kind == Kind::kWrite && reading_ > 0) return;
    Operation next = std::move(waiting_.front());
    waiting_.pop_front();
    if (kind == Kind::kWrite) {
      writing_ = true;
    } else {
      ++reading_;
    }
    next.start([self = shared_from_this(), kind, work = std::move(next.work)] {
      work();
      self->End(kind);
    });
  }
}

}  // namespace visage::search
