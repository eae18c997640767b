#include "src/base/block_cache.h"

#include <array>
#include <cstdint>
#include <cstdlib>

#include "src/base/large_memory.h"

namespace velaria {

namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallestBlockBytes = 64;
// Four sizes between two powers of two: at most a quarter of a block is not used.
constexpr size_t kStepsPerDoubling = 4;
constexpr size_t kClasses = 48;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kCaches = false;
#else
constexpr bool kCaches = true;
#endif

struct SizeClass {
  size_t number;
  size_t bytes;
};

// `size_bytes` from 1 to kLargestCachedBlockBytes.
SizeClass size_class(size_t size_bytes) {
  if (size_bytes <= kSmallestBlockBytes * kStepsPerDoubling) {
    const size_t number = (size_bytes + kSmallestBlockBytes - 1) / kSmallestBlockBytes;
    return {number, number * kSmallestBlockBytes};
  }
  // 2^top < size <= 2^(top + 1), cut in steps.
  const auto top = static_cast<size_t>(63 - __builtin_clzll(size_bytes - 1));
  const size_t step = (size_t{1} << top) / kStepsPerDoubling;
  const size_t steps = (size_bytes - (size_t{1} << top) + step - 1) / step;
  return {(top - 8) * kStepsPerDoubling + steps + kStepsPerDoubling,
          (size_t{1} << top) + steps * step};
}

// A block that is kept holds the address of the next one.
struct FreeBlock {
  FreeBlock* next;
};

struct BlockCache {
  std::array<FreeBlock*, kClasses> free{};
  size_t cached_bytes = 0;

  ~BlockCache();
};

// Buffers may still be given back after a thread's own objects are gone: then there is no cache.
thread_local bool cache_is_gone = false;

BlockCache::~BlockCache() {
  cache_is_gone = true;
  for (FreeBlock* block : free) {
    while (block != nullptr) {
      FreeBlock* next = block->next;
      std::free(block);
      block = next;
    }
  }
}

BlockCache* thread_cache() {
  if (cache_is_gone) return nullptr;
  thread_local BlockCache cache;
  return &cache;
}

}  // namespace

void* take_block(size_t size_bytes) noexcept {
  if (!kCaches || size_bytes == 0 || size_bytes > kLargestCachedBlockBytes) {
    try {
      return allocate_large(size_bytes);  // in huge pages, where it is worth it
    } catch (...) {
      return nullptr;  // also when there is no memory for the error's text
    }
  }
  const SizeClass wanted = size_class(size_bytes);
  BlockCache* cache = thread_cache();
  if (cache != nullptr && cache->free[wanted.number] != nullptr) {
    FreeBlock* block = cache->free[wanted.number];
    cache->free[wanted.number] = block->next;
    cache->cached_bytes -= wanted.bytes;
    return block;
  }
  return std::aligned_alloc(kAlignment, wanted.bytes);
}

void give_block(void* block, size_t size_bytes) noexcept {
  if (kCaches && size_bytes != 0 && size_bytes <= kLargestCachedBlockBytes) {
    const SizeClass given = size_class(size_bytes);
    BlockCache* cache = thread_cache();
    if (cache != nullptr && cache->cached_bytes + given.bytes <= kMostCachedBytes) {
      auto* kept = static_cast<FreeBlock*>(block);
      kept->next = cache->free[given.number];
      cache->free[given.number] = kept;
      cache->cached_bytes += given.bytes;
      return;
    }
  }
  free_large(block);
}

}  // namespace velaria
