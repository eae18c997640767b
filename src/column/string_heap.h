// An arena for the bytes of long strings. Strings added stay where they are until the heap dies, so
// StringViews into it may be kept by whoever keeps the heap.
//
// One thread adds; any thread may read what was added before it got hold of the heap.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "src/column/string_view.h"

namespace velaria {

class StringHeap {
 public:
  // Copies long text into the heap; short text lies inside the result. TypeMismatchError from 4 GiB
  // on.
  StringView add(std::string_view text);
  StringView add(const StringView& text) { return text.is_inline() ? text : add(text.text()); }

  // Room for `size_bytes` bytes to be written by the caller before anyone reads them.
  char* allocate(size_t size_bytes);

  uint64_t size_bytes() const { return size_bytes_; }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t free_bytes_ = 0;
  uint64_t size_bytes_ = 0;
};

}  // namespace velaria
