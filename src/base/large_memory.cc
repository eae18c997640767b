#include "src/base/large_memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

constexpr size_t kHugePageBytes = size_t{1} << 21;
constexpr size_t kWorthHugePages = kHugePageBytes * 2;
constexpr size_t kCacheLineBytes = 64;

[[noreturn]] void no_memory(size_t size_bytes) {
  throw Error(ErrorKind::kResource,
              concat("the system has no ", format_bytes(size_bytes), " of memory to give"));
}

size_t round_up(size_t size_bytes, size_t unit) { return (size_bytes + unit - 1) / unit * unit; }

void ask_for_huge_pages(void* memory, size_t size_bytes) {
#ifdef MADV_HUGEPAGE
  // Only advice: a system without them goes on with small pages.
  static_cast<void>(madvise(memory, size_bytes, MADV_HUGEPAGE));
#else
  static_cast<void>(memory);
  static_cast<void>(size_bytes);
#endif
}

}  // namespace

void* allocate_large(size_t size_bytes) {
  if (size_bytes > SIZE_MAX / 2) no_memory(size_bytes);
  const bool huge = size_bytes >= kWorthHugePages;
  const size_t unit = huge ? kHugePageBytes : kCacheLineBytes;
  const size_t rounded = round_up(size_bytes == 0 ? 1 : size_bytes, unit);
  void* memory = std::aligned_alloc(unit, rounded);
  if (memory == nullptr) no_memory(size_bytes);
  if (huge) ask_for_huge_pages(memory, rounded);
  return memory;
}

void free_large(void* memory) { std::free(memory); }

ZeroedMemory::ZeroedMemory(size_t size_bytes) {
  if (size_bytes > SIZE_MAX / 2) no_memory(size_bytes);
  if (size_bytes < kWorthHugePages) {
    data_ = std::calloc(size_bytes == 0 ? 1 : size_bytes, 1);
    if (data_ == nullptr) no_memory(size_bytes);
    return;
  }
  mapping_bytes_ = round_up(size_bytes, kHugePageBytes) + kHugePageBytes;
  mapping_ =
      mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) {
    mapping_ = nullptr;
    no_memory(size_bytes);
  }
  data_ = reinterpret_cast<void*>(round_up(reinterpret_cast<uintptr_t>(mapping_), kHugePageBytes));
  ask_for_huge_pages(data_, round_up(size_bytes, kHugePageBytes));
}

ZeroedMemory::~ZeroedMemory() {
  if (mapping_ != nullptr) {
    munmap(mapping_, mapping_bytes_);
  } else {
    std::free(data_);
  }
}

void ZeroedMemory::swap(ZeroedMemory& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(mapping_, other.mapping_);
  std::swap(mapping_bytes_, other.mapping_bytes_);
}

}  // namespace velaria
