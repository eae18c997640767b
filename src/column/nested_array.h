// Values of lists, structs and maps: how they are encoded in a column, and their decoding into
// arrays, one for each node of the type.
//
// The bytes of one value are the body of a run of one slot, without alignment. A run of n slots of
// a node, n > 0:
//
//   null type   nothing
//   any other   0, or 1 and n validity bits; then the body of the slots that are not NULL:
//     bool               a byte each, 0 or 1
//     fixed              `width_bytes` bytes each
//     text               their lengths as uint32, then their bytes
//     list, map          their lengths as uint32, then one run of all their elements
//     fixed_size_list    one run of all their elements
//     struct             one run for each field
//
// So a list of a thousand numbers is written and read as one block.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/column/nested_type.h"
#include "src/column/value.h"

namespace velaria {

// The slots of one node, in Arrow's layout but for 8-byte offsets and bytes for bits.
struct NestedArray {
  const NestedType* type = nullptr;
  bool nullable = true;
  int64_t length = 0;
  int64_t nulls = 0;
  std::vector<uint8_t> present;  // 1 for each slot that is not NULL; empty while all are
  std::vector<char> values;      // kBool, kFixed, kText
  std::vector<int64_t> offsets;  // kText, kList, kMap: length + 1 of them
  std::vector<NestedArray> children;

  bool is_null(int64_t slot) const {
    return type->kind == NestedType::Kind::kNull ||
           (!present.empty() && present[static_cast<size_t>(slot)] == 0);
  }
  // Of lists and maps: its elements are slots [begin, end) of children[0].
  int64_t begin(int64_t slot) const {
    return type->kind == NestedType::Kind::kFixedSizeList ? slot * type->list_size
                                                          : offsets[static_cast<size_t>(slot)];
  }
  int64_t end(int64_t slot) const { return begin(slot + 1); }
  // Of leaves other than the null type: the bytes of a slot that is not NULL.
  std::string_view bytes(int64_t slot) const;
  // The same as a value of the leaf's type. TypeMismatchError where that type cannot hold it: a
  // time with nanoseconds, say.
  Value value(int64_t slot) const;
};

// Decodes values one after the other; they become the slots of the root. InternalError for bytes
// that are no value of the type. The type outlives the decoder and what it made.
class NestedDecoder {
 public:
  explicit NestedDecoder(const NestedType& type);
  void append(std::string_view encoded);
  void append_null();
  // The decoder is used up.
  NestedArray finish() { return std::move(root_); }

 private:
  // Of `slots` slots those are in the bytes for which `encoded` is not 0 (null: all), `count` of
  // them. The others lie below a NULL.
  void read_run(NestedArray* out, int64_t slots, const uint8_t* encoded, int64_t count, int depth);
  void read_body(NestedArray* out, int64_t slots, const uint8_t* holds, int64_t count, int depth);
  // Lengths of the `count` slots that hold a value, as offsets of all; returns their sum.
  int64_t read_lengths(NestedArray* out, int64_t slots, const uint8_t* holds, int64_t count);
  const char* take(int64_t size_bytes);

  NestedArray root_;
  std::string_view rest_;
  std::vector<std::vector<uint8_t>> masks_;  // scratch, two for each depth
};

// Decodes one value.
NestedArray decode_nested(const NestedType& type, std::string_view encoded);

// Slot `slot` as JSON, appended: {"a": 1, "b": [true, null]}. Maps are objects whose keys are the
// texts of their keys; dates, times and binary are texts as in the JSON writer, NaN and infinities
// are quoted.
void append_nested_json(const NestedArray& array, int64_t slot, std::string* out);

// One encoded value as JSON.
std::string nested_json(const NestedType& type, std::string_view encoded);

}  // namespace velaria
