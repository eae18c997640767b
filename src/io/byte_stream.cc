#include "src/io/byte_stream.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

size_t FileByteStream::read(char* out, size_t size_bytes) {
  const uint64_t left = end_ - offset_;
  const auto wanted = static_cast<size_t>(std::min<uint64_t>(size_bytes, left));
  if (wanted == 0) return 0;
  const size_t got = file_->read_at(offset_, out, wanted);
  if (got < wanted) {
    throw Error(ErrorKind::kFileAccess,
                concat("'", file_->path(), "' became shorter while it was read: it had ", end_,
                       " bytes and ends now at byte ", offset_ + got, "; read it again"));
  }
  offset_ += got;
  return got;
}

}  // namespace velaria
