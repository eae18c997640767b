// Code points of UTF-8 text: their borders, reading and writing. No state; any thread.
//
//   std::string out;
//   append_code_point(&out, 0x20AC);                 // the three bytes of the euro sign
//   size_t bytes = 0;
//   decode_code_point(out, 0, &bytes) == 0x20AC;     // bytes == 3
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace velaria {

// Whether a byte goes on with a code point that began before it.
inline bool continues_code_point(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; }

// How many bytes the code point at byte `at` of valid UTF-8 has; `at` must lie within the text.
inline size_t code_point_bytes(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && continues_code_point(text[end])) ++end;
  return end - at;
}

// The code point at a byte of valid UTF-8, and how many bytes it has. A broken byte is U+FFFD of
// one byte.
uint32_t decode_code_point(std::string_view text, size_t at, size_t* bytes);

// Writes the 1 to 4 bytes of a code point of at most U+10FFFF and returns how many they are.
size_t encode_code_point(uint32_t code, char (&out)[4]);
void append_code_point(std::string* out, uint32_t code);

}  // namespace velaria
