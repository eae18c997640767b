// Validity bits in Arrow's order: bit i of the map is bit (i % 8) of byte i / 8; 1 = value present.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#include "src/base/buffer.h"

namespace velaria {

inline bool get_bit(const uint8_t* bits, int64_t i) { return (bits[i >> 3] >> (i & 7)) & 1; }
inline void set_bit(uint8_t* bits, int64_t i) {
  bits[i >> 3] = static_cast<uint8_t>(bits[i >> 3] | (1u << (i & 7)));
}
inline void clear_bit(uint8_t* bits, int64_t i) {
  bits[i >> 3] = static_cast<uint8_t>(bits[i >> 3] & ~(1u << (i & 7)));
}
inline int64_t bitmap_bytes(int64_t bits) { return (bits + 7) / 8; }

// Which rows of a column hold a value. Without `bits` all do. Cheap to copy.
class Validity {
 public:
  Validity() = default;
  Validity(BufferPtr bits, int64_t bit_offset) : bits_(std::move(bits)), bit_offset_(bit_offset) {}

  bool all_valid() const { return bits_ == nullptr; }
  bool valid(int64_t i) const {
    return bits_ == nullptr || get_bit(bits_->data(), bit_offset_ + i);
  }
  const uint8_t* bits() const { return bits_ ? bits_->data() : nullptr; }
  int64_t bit_offset() const { return bit_offset_; }
  const BufferPtr& buffer() const { return bits_; }
  Validity slice(int64_t offset) const { return Validity(bits_, bit_offset_ + offset); }

  // 64 rows from row i as one word; rows from `length` on read as 0. i need not be aligned.
  uint64_t word(int64_t i, int64_t length) const;
  int64_t count_nulls(int64_t length) const;

 private:
  BufferPtr bits_;
  int64_t bit_offset_ = 0;
};

// Rows valid in both. Shares one of them when the other has no nulls.
Validity intersect(const Validity& a, const Validity& b, int64_t length);

// Builds validity bit by bit; costs nothing until the first null.
class ValidityBuilder {
 public:
  void append(bool valid) {
    if (!valid && !bits_) start_bits();
    if (bits_) {
      ensure(length_ + 1);
      if (valid) {
        set_bit(bits_->mutable_data(), length_);
      } else {
        clear_bit(bits_->mutable_data(), length_);
        ++nulls_;
      }
    }
    ++length_;
  }
  void append_valid(int64_t count);
  int64_t length() const { return length_; }
  int64_t nulls() const { return nulls_; }
  Validity finish();  // the builder is empty afterwards

 private:
  void start_bits();
  void ensure(int64_t bits);

  std::shared_ptr<Buffer> bits_;
  int64_t length_ = 0;
  int64_t nulls_ = 0;
};

}  // namespace velaria
