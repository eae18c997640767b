// Text in other encodings than UTF-8, as UTF-8. The C library's iconv knows the characters.
//
// What a byte below 0x80 means never depends on the encoding (but for UTF-16 and UTF-32): it is
// ASCII, also where a national standard of old had another sign there, such as the yen in
// Shift-JIS.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/io/byte_stream.h"

namespace velaria {

// The name that errors, probe and options use: "GB-18030" -> "gb18030", "latin1" -> "latin-1".
// Throws InvalidArgumentError with a suggestion for an unknown one. "" gives "".
std::string canonical_encoding(const std::string& name);
std::vector<std::string> known_encodings();

// The encoding that a byte order mark at the start of `head` says, and the mark's length; utf-8 and
// 0 when there is none.
struct ByteOrderMark {
  std::string encoding = "utf-8";
  size_t size_bytes = 0;
};
ByteOrderMark byte_order_mark(std::string_view head);

// `bytes`, which stand at the first character, as UTF-8. read() throws FileFormatError with line
// and byte for what is no character of the encoding; with `mark_bad_bytes` it becomes a byte 0xFF
// instead, which UTF-8 does not have, and the text goes on behind it. `encoding` is canonical and
// not utf-8; `first_offset` is where `bytes` begin in the file and, like `path`, for errors. Throws
// SqlUnsupportedError when the C library of this machine does not have the encoding.
std::unique_ptr<ByteStream> decode_text(std::unique_ptr<ByteStream> bytes,
                                        const std::string& encoding, std::string path,
                                        uint64_t first_offset, bool mark_bad_bytes);

// `bytes` as UTF-8; false for bytes that the encoding does not have. A character cut off at the end
// is left out.
bool decode_sample(std::string_view bytes, const std::string& encoding, std::string* out);

}  // namespace velaria
