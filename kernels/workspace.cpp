#include "kernels/workspace.hpp"

#include <new>

namespace pixmill::kernels {

namespace {
constexpr std::align_val_t kAlignment{64};
}

void Workspace::Free::operator()(std::byte* memory) const noexcept { ::operator delete(memory, kAlignment); }

std::span<std::byte> Workspace::slot(std::size_t index, std::size_t bytes) {
  if (index >= slots_.size()) slots_.resize(index + 1);
  Slot& slot = slots_[index];
  if (slot.size < bytes) {
    // The old memory goes first: the two together could be beyond what the worker is entitled to.
    slot.memory.reset();
    slot.size = 0;
    slot.memory.reset(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
    slot.size = bytes;
  }
  return {slot.memory.get(), bytes};
}

void Workspace::trim(std::size_t keep_bytes) {
  for (Slot& slot : slots_) {
    if (slot.size <= keep_bytes) continue;
    slot.memory.reset();
    slot.size = 0;
  }
}

}  // namespace pixmill::kernels
