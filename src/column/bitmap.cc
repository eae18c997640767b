#include "src/column/bitmap.h"

#include <algorithm>

namespace velaria {

uint64_t Validity::word(int64_t i, int64_t length) const {
  const int64_t rows = std::min<int64_t>(64, length - i);
  const uint64_t mask = rows == 64 ? ~uint64_t{0} : ((uint64_t{1} << rows) - 1);
  if (!bits_) return mask;
  const int64_t first_bit = bit_offset_ + i;
  const uint8_t* bytes = bits_->data() + (first_bit >> 3);
  const int shift = static_cast<int>(first_bit & 7);
  // Reads only bytes that hold requested bits: foreign maps may end at the last byte.
  const int64_t needed = bitmap_bytes(shift + rows);
  uint64_t low = 0;
  std::memcpy(&low, bytes, static_cast<size_t>(std::min<int64_t>(8, needed)));
  uint64_t out = low >> shift;
  if (needed > 8) out |= static_cast<uint64_t>(bytes[8]) << (64 - shift);
  return out & mask;
}

int64_t Validity::count_nulls(int64_t length) const {
  if (!bits_) return 0;
  int64_t present = 0;
  for (int64_t i = 0; i < length; i += 64) present += __builtin_popcountll(word(i, length));
  return length - present;
}

Validity intersect(const Validity& a, const Validity& b, int64_t length) {
  if (a.all_valid()) return b;
  if (b.all_valid()) return a;
  if (a.bits() == b.bits() && a.bit_offset() == b.bit_offset()) return a;
  auto out = Buffer::allocate(static_cast<size_t>((length + 63) / 64 * 8));
  for (int64_t i = 0; i < length; i += 64) {
    const uint64_t both = a.word(i, length) & b.word(i, length);
    std::memcpy(out->mutable_data() + i / 8, &both, 8);
  }
  return Validity(std::move(out), 0);
}

void ValidityBuilder::append_valid(int64_t count) {
  if (!bits_) {
    length_ += count;
    return;
  }
  for (int64_t i = 0; i < count; ++i) append(true);
}

void ValidityBuilder::start_bits() {
  const int64_t capacity = std::max<int64_t>(1024, length_ * 2);
  bits_ = Buffer::allocate(static_cast<size_t>((capacity + 63) / 64 * 8));
  std::memset(bits_->mutable_data(), 0xFF, bits_->size_bytes());
}

void ValidityBuilder::ensure(int64_t bits) {
  if (static_cast<size_t>(bitmap_bytes(bits)) <= bits_->size_bytes()) return;
  auto grown = Buffer::allocate(bits_->size_bytes() * 2);
  std::memcpy(grown->mutable_data(), bits_->data(), bits_->size_bytes());
  std::memset(grown->mutable_data() + bits_->size_bytes(), 0xFF,
              grown->size_bytes() - bits_->size_bytes());
  bits_ = std::move(grown);
}

Validity ValidityBuilder::finish() {
  Validity out(nulls_ == 0 ? nullptr : BufferPtr(std::move(bits_)), 0);
  bits_.reset();
  length_ = 0;
  nulls_ = 0;
  return out;
}

}  // namespace velaria
