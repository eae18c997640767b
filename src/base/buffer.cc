#include "src/base/buffer.h"

#include <cstdlib>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

std::shared_ptr<Buffer> Buffer::allocate(size_t size_bytes) {
  const size_t rounded = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
  auto* data = static_cast<uint8_t*>(std::aligned_alloc(kAlignment, rounded == 0 ? 64 : rounded));
  if (data == nullptr) {
    throw Error(ErrorKind::kResource,
                concat("the system has no ", format_bytes(size_bytes), " of memory to give"));
  }
  return std::shared_ptr<Buffer>(new Buffer(data, size_bytes, nullptr, true));
}

BufferPtr Buffer::wrap(const void* data, size_t size_bytes, std::shared_ptr<const void> owner) {
  // The cast is safe: wrapped buffers are only ever handed out as const.
  auto* bytes = const_cast<uint8_t*>(static_cast<const uint8_t*>(data));
  return BufferPtr(new Buffer(bytes, size_bytes, std::move(owner), false));
}

Buffer::~Buffer() {
  if (owned_) std::free(data_);
}

}  // namespace velaria
