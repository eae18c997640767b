// Memory for arrays of megabytes, in huge pages where the system gives them on request. A table of
// a million groups is written to all over while it is small pages that the system hands out one
// fault at a time; with pages of 2 MiB there are 512 times fewer of them.
//
//   LargeVector<int64_t> sums(groups);   // std::vector in every other way
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace velaria {

// Aligned to a cache line at least. ResourceError with the size when there is none.
void* allocate_large(size_t size_bytes);
void free_large(void* memory);

template <typename T>
struct LargeAllocator {
  using value_type = T;
  LargeAllocator() = default;
  template <typename U>
  LargeAllocator(const LargeAllocator<U>&) {}
  T* allocate(size_t count) { return static_cast<T*>(allocate_large(count * sizeof(T))); }
  void deallocate(T* memory, size_t) { free_large(memory); }
  template <typename U>
  bool operator==(const LargeAllocator<U>&) const {
    return true;
  }
  template <typename U>
  bool operator!=(const LargeAllocator<U>&) const {
    return false;
  }
};

template <typename T>
using LargeVector = std::vector<T, LargeAllocator<T>>;

// Bytes that are 0, of which those never written to cost no memory (in steps of a page).
class ZeroedMemory {
 public:
  ZeroedMemory() = default;
  explicit ZeroedMemory(size_t size_bytes);
  ~ZeroedMemory();
  ZeroedMemory(ZeroedMemory&& other) noexcept { swap(other); }
  ZeroedMemory& operator=(ZeroedMemory&& other) noexcept {
    swap(other);
    return *this;
  }
  ZeroedMemory(const ZeroedMemory&) = delete;
  ZeroedMemory& operator=(const ZeroedMemory&) = delete;

  void* data() const { return data_; }

 private:
  void swap(ZeroedMemory& other) noexcept;

  void* data_ = nullptr;
  void* mapping_ = nullptr;  // null: data_ is of the heap
  size_t mapping_bytes_ = 0;
};

}  // namespace velaria
