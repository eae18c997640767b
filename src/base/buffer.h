// Bytes with shared ownership: what columns are made of.
//
// A Buffer either owns 64-byte aligned memory or wraps foreign memory (an Arrow array, a mapped
// file) and keeps its owner alive. Once a column holds it, it is immutable and may be read from any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace velaria {

class Buffer {
 public:
  static constexpr size_t kAlignment = 64;

  // Uninitialised memory; std::bad_alloc becomes ResourceError with the size.
  static std::shared_ptr<Buffer> allocate(size_t size_bytes);
  static std::shared_ptr<const Buffer> wrap(const void* data, size_t size_bytes,
                                            std::shared_ptr<const void> owner);

  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  const uint8_t* data() const { return data_; }
  uint8_t* mutable_data() { return data_; }  // only by the maker, before it is shared
  size_t size_bytes() const { return size_bytes_; }

 private:
  Buffer(uint8_t* data, size_t size_bytes, std::shared_ptr<const void> owner, bool owned)
      : data_(data), size_bytes_(size_bytes), owner_(std::move(owner)), owned_(owned) {}

  // Object and reference count in one block.
  static std::shared_ptr<Buffer> make(uint8_t* data, size_t size_bytes,
                                      std::shared_ptr<const void> owner, bool owned);

  uint8_t* data_;
  size_t size_bytes_;
  std::shared_ptr<const void> owner_;
  bool owned_;
};

using BufferPtr = std::shared_ptr<const Buffer>;

}  // namespace velaria
