#include "src/column/string_heap.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

StringView StringHeap::add(std::string_view text) {
  if (text.size() <= StringView::kInlineBytes) return StringView(text);
  if (text.size() > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorKind::kTypeMismatch, concat("a string of ", format_bytes(text.size()),
                                                 " is longer than the limit of 4 GiB"));
  }
  char* data = allocate(text.size());
  std::memcpy(data, text.data(), text.size());
  return StringView(data, static_cast<uint32_t>(text.size()));
}

char* StringHeap::allocate(size_t size_bytes) {
  constexpr size_t kSmallestBlock = 4096;
  constexpr size_t kLargestBlock = size_t{1} << 20;
  if (size_bytes > free_bytes_) {
    // Blocks grow with the heap, so that many small heaps stay small.
    const size_t wanted = std::clamp<size_t>(size_bytes_, kSmallestBlock, kLargestBlock);
    const size_t block = std::max(size_bytes, wanted);
    std::unique_ptr<char[]> bytes(new char[block]);
    blocks_.push_back(std::move(bytes));  // which may fail, too
    size_bytes_ += block;
    if (block - size_bytes < free_bytes_) return blocks_.back().get();  // keep filling the old one
    next_ = blocks_.back().get();
    free_bytes_ = block;
  }
  char* out = next_;
  next_ += size_bytes;
  free_bytes_ -= size_bytes;
  return out;
}

}  // namespace velaria
