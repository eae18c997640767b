#include "src/kernel/hash.h"

#include "xxhash/xxhash.h"

namespace velaria {

uint64_t hash_bytes(const void* data, size_t size_bytes) { return XXH3_64bits(data, size_bytes); }

}  // namespace velaria
