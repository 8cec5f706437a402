#include "tests/support/allocations.hpp"

#include <algorithm>
#include <atomic>

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer)
#define PIXMILL_SANITIZER_ALLOCATES 1
// clang has a header for these; gcc has them in its runtimes only.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                                         void (*on_free)(const volatile void*));
extern "C" std::size_t __sanitizer_get_allocated_size(const volatile void* block);
#else
#define PIXMILL_SANITIZER_ALLOCATES 0
#include <malloc.h>
#include <cerrno>
#include <cstdlib>
#endif

namespace pixmill::tests {

namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> now{0};
std::atomic<std::size_t> most_held{0};

void taken(std::size_t bytes) {
  if (!counting) return;
  const std::size_t held = now += bytes;
  if (held > most_held) most_held = held;
}

thread_local bool famine = false;
thread_local std::size_t famine_spares = 0;
thread_local bool famine_lasts = false;
thread_local bool famine_struck = false;

// Whether there is no memory for the allocation at hand.
[[maybe_unused]] bool starves() {
  if (!famine) return false;
  if (famine_spares > 0) {
    --famine_spares;
    return false;
  }
  famine = famine_lasts;
  famine_struck = true;
  return true;
}

void given_back(std::size_t bytes) {
  if (counting) now = now - std::min<std::size_t>(now, bytes);
}

}  // namespace

}  // namespace pixmill::tests

#if PIXMILL_SANITIZER_ALLOCATES

// The sanitizer is the allocator, and calls these.
namespace pixmill::tests {
namespace {

void on_malloc(const volatile void* /*block*/, std::size_t bytes) { taken(bytes); }
void on_free(const volatile void* block) {
  if (block != nullptr && counting) given_back(__sanitizer_get_allocated_size(block));
}
const int hooked = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

}  // namespace
}  // namespace pixmill::tests

#else

// glibc's own functions under the names it keeps for this; the executable's definitions come before the library's.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* block);

static void* count(void* block) {
  if (block != nullptr) pixmill::tests::taken(malloc_usable_size(block));
  return block;
}

static void* none() {
  errno = ENOMEM;
  return nullptr;
}

void* malloc(std::size_t bytes) noexcept { return pixmill::tests::starves() ? none() : count(__libc_malloc(bytes)); }
void* calloc(std::size_t number, std::size_t bytes) noexcept {
  return pixmill::tests::starves() ? none() : count(__libc_calloc(number, bytes));
}
void* realloc(void* block, std::size_t bytes) noexcept {
  if (pixmill::tests::starves()) return none();
  if (block != nullptr) pixmill::tests::given_back(malloc_usable_size(block));
  return count(__libc_realloc(block, bytes));
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  return pixmill::tests::starves() ? none() : count(__libc_memalign(alignment, bytes));
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  return pixmill::tests::starves() ? none() : count(__libc_memalign(alignment, bytes));
}
int posix_memalign(void** out, std::size_t alignment, std::size_t bytes) noexcept {
  void* block = pixmill::tests::starves() ? nullptr : count(__libc_memalign(alignment, bytes));
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}
void free(void* block) noexcept {
  if (block != nullptr) pixmill::tests::given_back(malloc_usable_size(block));
  __libc_free(block);
}
}

#endif

namespace pixmill::tests {

Allocations::Allocations() {
  now = 0;
  most_held = 0;
  counting = true;
}
Allocations::~Allocations() { counting = false; }

std::size_t Allocations::most() { return most_held; }

Allocations::Pause::Pause() : was_counting_(counting.exchange(false)) {}
Allocations::Pause::~Pause() { counting = was_counting_; }

Famine::Famine(std::size_t spared, Lasts lasts) {
  famine_struck = false;
  famine_spares = spared;
  famine_lasts = lasts == Lasts::for_ever;
  famine = true;
}
Famine::~Famine() { famine = false; }

bool Famine::struck() { return famine_struck; }

}  // namespace pixmill::tests
