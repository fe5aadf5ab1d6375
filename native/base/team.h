#pragma once

#include <cstddef>
#include <functional>

namespace visage {

/// Threads that may take parts of a job off the one that does it.
class Team {
 public:
  /// @param seat tells the threads apart that work at the same time, from 0, below `seats()`.
  using Work = std::function<void(std::size_t item, std::size_t seat)>;

  virtual ~Team() = default;

  /// Most threads that work on the items of one call.
  virtual std::size_t seats() const = 0;
  /// Calls `work` once for each item below `items`, on this thread and on others that have nothing to do, in
  /// any order; returns when all have ended.
  /// @throws what `work` threw, for the least item that failed; the other items are worked on all the same.
  virtual void Share(std::size_t items, const Work& work) = 0;
};

/// This thread alone, item after item.
class Alone : public Team {
 public:
  std::size_t seats() const override { return 1; }
  void Share(std::size_t items, const Work& work) override {
    for (std::size_t item = 0; item < items; ++item) work(item, 0);
  }
};

}  // namespace visage
