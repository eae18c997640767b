// Memory for the buffers of chunks, which live for microseconds: each thread keeps some of the
// blocks that were given back to it and hands them out again. The system's allocator merges and
// splits blocks of these sizes, which took up to a third of a query's time.
//
// Thread-safe; a block may be given back by another thread than took it. A thread keeps at most
// kMostCachedBytes, and frees them when it ends. Under AddressSanitizer nothing is kept, so that it
// sees every use of a freed buffer.
#pragma once

#include <cstddef>

namespace velaria {

constexpr size_t kMostCachedBytes = size_t{4} << 20;
constexpr size_t kLargestCachedBlockBytes = size_t{128} << 10;

// At least `size_bytes`, aligned to 64 bytes; null when the system has none.
void* take_block(size_t size_bytes) noexcept;
// `size_bytes` as it was taken with.
void give_block(void* block, size_t size_bytes) noexcept;

}  // namespace velaria
