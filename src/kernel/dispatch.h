// From a column's type to the C++ type of its values, once per call instead of once per row.
#pragma once

#include "src/base/error.h"
#include "src/column/column.h"

namespace velaria {

template <typename T>
struct TypeTag {
  using type = T;
};

// Calls f(TypeTag<T>()) with the stored type of `type`: uint8_t for bool, int32_t for date32,
// int64_t for timestamps, Int128 for decimals, StringView for text and nested values. Vectors and
// the null type are refused.
template <typename F>
decltype(auto) visit_stored_type(const DataType& type, F&& f) {
  switch (type.id()) {
    case TypeId::kBool:
    case TypeId::kUInt8: return f(TypeTag<uint8_t>());
    case TypeId::kInt8: return f(TypeTag<int8_t>());
    case TypeId::kInt16: return f(TypeTag<int16_t>());
    case TypeId::kUInt16: return f(TypeTag<uint16_t>());
    case TypeId::kDate32:
    case TypeId::kInt32: return f(TypeTag<int32_t>());
    case TypeId::kUInt32: return f(TypeTag<uint32_t>());
    case TypeId::kTime64:
    case TypeId::kTimestamp:
    case TypeId::kInt64: return f(TypeTag<int64_t>());
    case TypeId::kUInt64: return f(TypeTag<uint64_t>());
    case TypeId::kFloat32: return f(TypeTag<float>());
    case TypeId::kFloat64: return f(TypeTag<double>());
    case TypeId::kDecimal128: return f(TypeTag<Int128>());
    case TypeId::kInterval: return f(TypeTag<Interval>());
    case TypeId::kUtf8:
    case TypeId::kBinary:
    case TypeId::kNested: return f(TypeTag<StringView>());
    case TypeId::kNull:
    case TypeId::kFixedSizeList: break;
  }
  throw Error(ErrorKind::kInternal, "no stored values for type " + type.to_string());
}

}  // namespace velaria
