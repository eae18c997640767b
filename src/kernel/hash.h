// Hashes of words and bytes, for the tables of groups and of joins. Equal values must come as equal
// words: -0.0 as 0.0, every NaN as one NaN.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace velaria {

// Two rounds of multiply-and-fold: good avalanche for the cost of two multiplications.
inline uint64_t mix_hash(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash_word(uint64_t value) {
  return mix_hash(value ^ 0x9E3779B97F4A7C15ull, 0xD6E8FEB86659FD93ull);
}

inline uint64_t hash_words(uint64_t a, uint64_t b) {
  return mix_hash(a ^ 0x9E3779B97F4A7C15ull, b ^ 0xD6E8FEB86659FD93ull) ^ hash_word(b);
}

uint64_t hash_bytes(const void* data, size_t size_bytes);

}  // namespace velaria
