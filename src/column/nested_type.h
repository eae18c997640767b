// What a column of lists, structs or maps holds: a tree of types, in Arrow's terms.
//
// Such columns are on their way through. Their values are kept whole and come out as they came in,
// so every node knows the Arrow format with which it goes out. Immutable, shared by DataTypes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/column/type.h"

namespace velaria {

struct NestedType;
using NestedTypePtr = std::shared_ptr<const NestedType>;

// Types nested deeper than this are refused when they come in.
constexpr int kDeepestNesting = 64;

struct NestedField {
  std::string name;
  bool nullable = true;
  NestedTypePtr type;
};

struct NestedType {
  enum class Kind : uint8_t {
    kNull,           // leaves, whose slots are all NULL
    kBool,           // leaves
    kFixed,          // leaves of `width_bytes` bytes
    kText,           // leaves of any number of bytes: utf8 and binary
    kList,           // fields[0] is the element
    kFixedSizeList,  // of `list_size` elements; fields[0] is the element
    kStruct,         // one field each
    kMap,            // fields[0] is a struct of two fields, key and value
  };

  Kind kind = Kind::kNull;
  std::string arrow_format;  // as it goes out, for example "+L" for lists of 64-bit offsets
  int32_t width_bytes = 0;
  int32_t list_size = 0;
  bool keys_sorted = false;
  // Leaves: the type of their values as people see them. They lie here as they lay in Arrow, so a
  // float16 is a leaf of two bytes whose values are shown as float32.
  DataType leaf;
  std::vector<NestedField> fields;

  bool is_list() const { return kind == Kind::kList || kind == Kind::kFixedSizeList; }
  // Names inside of lists and maps ("item", "entries", "key") do not count; those of structs do.
  bool operator==(const NestedType& other) const;
  bool operator!=(const NestedType& other) const { return !(*this == other); }
  // "list<int64>", "struct<a: int64, b: large_utf8>", "map<utf8, list<float16>>".
  std::string to_string() const;
};

}  // namespace velaria
