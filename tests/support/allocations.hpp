#pragma once

#include <cstddef>

/// Counts what is allocated, by whomever: malloc() and all that stands on it, in C libraries too. Sees every thread,
/// so measure while only one works. Link allocations.cpp into the one program that measures.
namespace pixmill::tests {

class Allocations {
 public:
  /// Counts from here on. One at a time.
  Allocations();
  ~Allocations();
  Allocations(const Allocations&) = delete;
  Allocations& operator=(const Allocations&) = delete;

  /// The most bytes that were held at once, of those taken since. What was there before does not count.
  [[nodiscard]] static std::size_t most();
  /// Not counted while one of these lives.
  class Pause {
   public:
    Pause();
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    bool was_counting_;
  };
};

/// While it lives, one allocation of this thread, or that and every later one, finds no memory. Where a sanitizer
/// allocates, which cannot be told to, all find some.
class Famine {
 public:
  enum class Lasts : unsigned char { once, for_ever };
  /// `spared`: how many allocations it lets pass first.
  Famine(std::size_t spared, Lasts lasts);
  ~Famine();
  Famine(const Famine&) = delete;
  Famine& operator=(const Famine&) = delete;
  /// Whether any has found none.
  [[nodiscard]] static bool struck();
};

}  // namespace pixmill::tests
