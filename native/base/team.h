#pragma once

#include <cstddef>
#include <functional>

#include "base/yield.h"

namespace visage::base {

class Team {
 public:
  /// @param seat below `seats()`; no two threads use a seat at once.
  using Work = std::function<void(std::size_t item, std::size_t seat)>;

  virtual ~Team() = default;

  virtual std::size_t seats() const = 0;
  /// Runs items on this and idle threads, in any order. @throws the exception of the lowest failed item.
  virtual void Share(std::size_t items, const Work& work) = 0;
};

class Alone : public Team {
 public:
  std::size_t seats() const override { return 1; }
  void Share(std::size_t items, const Work& work) override {
    for (std::size_t item = 0; item < items; ++item) {
      YieldPoint();
      work(item, 0);
    }
  }
};

}  // namespace visage::base
