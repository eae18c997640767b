// A string of a column: 16 bytes. Up to 12 bytes lie inside, longer ones are pointed at and keep
// their first 4 bytes here, so most comparisons never touch the heap.
//
// Unused inline bytes are zero, so equal short strings are equal 16-byte words.
// A StringView does not own what it points at: the column's heap does.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace velaria {

struct StringView {
  static constexpr uint32_t kInlineBytes = 12;

  StringView() : words_{0, 0} {}
  StringView(const char* data, uint32_t size) : words_{0, 0} {
    std::memcpy(bytes(), &size, 4);
    if (size <= kInlineBytes) {
      if (size != 0) std::memcpy(bytes() + 4, data, size);
    } else {
      std::memcpy(bytes() + 4, data, 4);
      std::memcpy(bytes() + 8, &data, 8);
    }
  }
  // The caller promises fewer than 2^32 bytes; StringHeap::add checks it.
  explicit StringView(std::string_view text)
      : StringView(text.data(), static_cast<uint32_t>(text.size())) {}

  uint32_t size() const { return static_cast<uint32_t>(words_[0]); }
  bool is_inline() const { return size() <= kInlineBytes; }
  const char* data() const {
    if (is_inline()) return bytes() + 4;
    const char* pointer;
    std::memcpy(&pointer, bytes() + 8, 8);
    return pointer;
  }
  // Valid as long as this StringView and its heap are.
  std::string_view text() const { return {data(), size()}; }

  // Length and first four bytes as one word: unequal words mean unequal strings.
  uint64_t head() const { return words_[0]; }
  uint64_t tail() const { return words_[1]; }

  bool operator==(const StringView& other) const {
    if (words_[0] != other.words_[0]) return false;
    if (is_inline()) return words_[1] == other.words_[1];
    return std::memcmp(data(), other.data(), size()) == 0;
  }
  bool operator!=(const StringView& other) const { return !(*this == other); }

  // Bytewise order; for UTF-8 that is code point order. <0, 0, >0.
  int compare(const StringView& other) const {
    const int result = text().compare(other.text());
    return result;
  }
  bool operator<(const StringView& other) const { return compare(other) < 0; }

 private:
  char* bytes() { return reinterpret_cast<char*>(words_); }
  const char* bytes() const { return reinterpret_cast<const char*>(words_); }

  uint64_t words_[2];
};

static_assert(sizeof(StringView) == 16);

}  // namespace velaria
