// gzip and Zstandard streams as plain bytes, in a bounded window: memory does not depend on the
// size of the file or of what comes out of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "src/io/byte_stream.h"

namespace velaria {

enum class Compression { kNone, kGzip, kZstd };

// "none", "gzip", "zstd".
std::string_view compression_name(Compression compression);

// What the first bytes of a file say; names of files do not count.
Compression compression_of(std::string_view head);

// The content of `stored`. Files of several gzip members or zstd frames give the content of all of
// them, one after the other; zeros behind the last one are padding. read() throws FileFormatError
// with the byte of the file for a damaged stream, one that breaks off early, bytes behind it that
// are no stream, and more than `max_bytes` of content. `path` is for errors.
std::unique_ptr<ByteStream> decompress(std::unique_ptr<ByteStream> stored, Compression compression,
                                       std::string path, uint64_t max_bytes);

}  // namespace velaria
