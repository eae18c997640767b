// Looks at raw bytes: what a file starts with, whether it is UTF-8, whether it is still the same
// file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/file_system.h"

namespace velaria {

// Bytes of a UTF-8 byte order mark at the start of `head` (0 or 3), which is text as it comes out
// of decompression and decoding. Throws FileFormatError for what is no text: an empty file, a
// container of another format, NUL bytes outside of quotes.
size_t check_text_start(const std::string& path, std::string_view head);

// Position of the first byte that is not part of valid UTF-8, or text.size().
size_t find_invalid_utf8(std::string_view text);

// Bytes as text, such as a path: what is not UTF-8 becomes \xFF.
std::string utf8_text(std::string_view bytes);

// Enough of a file to notice that it was replaced or rewritten: its size, the time it was last
// written, its first and last 4 KiB.
struct FileFingerprint {
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
  uint64_t hash = 0;
  bool operator==(const FileFingerprint& other) const {
    return size_bytes == other.size_bytes && modified_ns == other.modified_ns && hash == other.hash;
  }
  bool operator!=(const FileFingerprint& other) const { return !(*this == other); }
};

FileFingerprint fingerprint_of(const ReadableFile& file);

}  // namespace velaria
