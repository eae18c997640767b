// Memory for the buffers of chunks, which live for microseconds: each thread keeps some of the
// blocks that were given back to it and hands them out again. The system's allocator merges and
// splits blocks of these sizes, which took up to a third of a query's time.
//
// Thread-safe; a block may be given back by another thread than took it. A thread keeps at most
// kMostCachedBytes, and frees them when it ends. Under AddressSanitizer nothing is kept, so that it
// sees every use of a freed buffer.
#pragma once

#include <cstddef>
#include <new>

namespace velaria {

constexpr size_t kMostCachedBytes = size_t{16} << 20;
constexpr size_t kLargestCachedBlockBytes = size_t{128} << 10;

// At least `size_bytes`, aligned to 64 bytes; null when the system has none.
void* take_block(size_t size_bytes) noexcept;
// `size_bytes` as it was taken with.
void give_block(void* block, size_t size_bytes) noexcept;

// For std::allocate_shared of small objects that chunks are made of.
template <typename T>
struct BlockAllocator {
  using value_type = T;
  BlockAllocator() = default;
  template <typename U>
  BlockAllocator(const BlockAllocator<U>&) {}
  T* allocate(size_t count) {
    void* block = take_block(count * sizeof(T));
    if (block == nullptr) throw std::bad_alloc();
    return static_cast<T*>(block);
  }
  void deallocate(T* block, size_t count) { give_block(block, count * sizeof(T)); }
  template <typename U>
  bool operator==(const BlockAllocator<U>&) const {
    return true;
  }
  template <typename U>
  bool operator!=(const BlockAllocator<U>&) const {
    return false;
  }
};

}  // namespace velaria
