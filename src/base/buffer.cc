#include "src/base/buffer.h"

#include "src/base/block_cache.h"
#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

std::shared_ptr<Buffer> Buffer::make(uint8_t* data, size_t size_bytes,
                                     std::shared_ptr<const void> owner, bool owned) {
  struct Made : Buffer {  // whose constructor the allocator may call
    Made(uint8_t* bytes, size_t size, std::shared_ptr<const void> keeper, bool is_owned)
        : Buffer(bytes, size, std::move(keeper), is_owned) {}
  };
  return std::allocate_shared<Made>(BlockAllocator<Made>(), data, size_bytes, std::move(owner),
                                    owned);
}

std::shared_ptr<Buffer> Buffer::allocate(size_t size_bytes) {
  auto* data = static_cast<uint8_t*>(take_block(size_bytes));
  if (data == nullptr) {
    throw Error(ErrorKind::kResource,
                concat("the system has no ", format_bytes(size_bytes), " of memory to give"));
  }
  try {
    return make(data, size_bytes, nullptr, true);
  } catch (...) {
    give_block(data, size_bytes);
    throw;
  }
}

BufferPtr Buffer::wrap(const void* data, size_t size_bytes, std::shared_ptr<const void> owner) {
  // The cast is safe: wrapped buffers are only ever handed out as const.
  auto* bytes = const_cast<uint8_t*>(static_cast<const uint8_t*>(data));
  return make(bytes, size_bytes, std::move(owner), false);
}

Buffer::~Buffer() {
  if (owned_) give_block(data_, size_bytes_);
}

}  // namespace velaria
