#include "src/base/code_point.h"

namespace velaria {

uint32_t decode_code_point(std::string_view text, size_t at, size_t* bytes) {
  constexpr uint32_t kBroken = 0xFFFD;
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  const uint32_t first = byte(at);
  const size_t length = first < 0x80   ? 1
                        : first < 0xC0 ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF8 ? 4
                                       : 0;
  *bytes = 1;
  if (length == 1) return first;
  if (length == 0 || at + length > text.size()) return kBroken;
  uint32_t code = first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if (!continues_code_point(text[at + i])) return kBroken;
    code = code << 6 | (byte(at + i) & 0x3F);
  }
  *bytes = length;
  return code;
}

size_t encode_code_point(uint32_t code, char (&out)[4]) {
  size_t size = 0;
  const auto push = [&](uint32_t byte) { out[size++] = static_cast<char>(byte); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | code >> 6);
    push(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    push(0xE0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  } else {
    push(0xF0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3F));
    push(0x80 | (code >> 6 & 0x3F));
    push(0x80 | (code & 0x3F));
  }
  return size;
}

void append_code_point(std::string* out, uint32_t code) {
  char bytes[4];
  out->append(bytes, encode_code_point(code, bytes));
}

}  // namespace velaria
