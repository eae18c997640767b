// Which column a key of an object belongs to. Objects beside each other mostly have the same keys
// in the same order, so the key that followed the last one before is tried first, and is seldom
// wrong.
//
// A key may be spelled in several ways (escapes); each spelling is known by itself.
// One thread per object.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace velaria {

class JsonKeys {
 public:
  static constexpr int32_t kUnknown = -2;

  JsonKeys() { next_.push_back(1); }

  void start_object() { last_ = 0; }

  // What add() said of this spelling, or kUnknown. `key` has 8 readable bytes behind it.
  int32_t find(const char* key, size_t size) {
    const uint32_t guess = next_[last_];
    if (guess <= spellings_.size() && matches(spellings_[guess - 1], key, size)) {
      last_ = guess;
      return spellings_[guess - 1].column;
    }
    return find_elsewhere(key, size);
  }

  // The column of a spelling that find() does not know, and which is the last one found now.
  void add(std::string_view key, int32_t column) {
    if (spellings_.size() >= kMostSpellings) return;
    texts_.emplace_back(key);
    texts_.back().append(8, '\0');
    const char* text = texts_.back().data();
    spellings_.push_back({text, static_cast<uint32_t>(key.size()), column});
    const auto place = static_cast<uint32_t>(spellings_.size());
    places_.emplace(std::string_view(text, key.size()), place);
    next_.push_back(place + 1);
    next_[last_] = place;
    last_ = place;
  }

 private:
  // Objects with ids as keys must not fill the memory: further spellings are looked up by name.
  static constexpr size_t kMostSpellings = 1 << 16;

  struct Spelling {
    const char* text;
    uint32_t size;
    int32_t column;
  };

  static uint64_t word(const char* text) {
    uint64_t out;
    std::memcpy(&out, text, 8);
    return out;
  }

  static bool matches(const Spelling& spelling, const char* key, size_t size) {
    if (spelling.size != size) return false;
    if (size <= 8) {
      const uint64_t different = word(spelling.text) ^ word(key);
      return size == 0 || different << (64 - 8 * size) == 0;
    }
    if (size <= 16) {
      return word(spelling.text) == word(key) &&
             word(spelling.text + size - 8) == word(key + size - 8);
    }
    return std::memcmp(spelling.text, key, size) == 0;
  }

  [[gnu::noinline]] int32_t find_elsewhere(const char* key, size_t size) {
    const auto found = places_.find(std::string_view(key, size));
    if (found == places_.end()) return kUnknown;
    next_[last_] = found->second;
    last_ = found->second;
    return spellings_[found->second - 1].column;
  }

  std::deque<std::string> texts_;
  std::vector<Spelling> spellings_;  // number n (from 1) lies at n - 1
  std::unordered_map<std::string_view, uint32_t> places_;
  std::vector<uint32_t> next_;  // by number; 0 is the start of an object
  uint32_t last_ = 0;
};

}  // namespace velaria
