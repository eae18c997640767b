// One value with its type: literals, parameters, rows for people. Never used inside loops over
// data.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "src/column/type.h"

namespace velaria {

class Value {
 public:
  Value() = default;  // a bare NULL
  static Value null(DataType type) { return Value(std::move(type), std::monostate{}); }
  static Value boolean(bool v) { return Value(DataType(TypeId::kBool), v); }
  static Value int64(int64_t v) { return Value(DataType(TypeId::kInt64), v); }
  static Value float64(double v) { return Value(DataType(TypeId::kFloat64), v); }
  static Value utf8(std::string v) { return Value(DataType(TypeId::kUtf8), std::move(v)); }
  static Value interval(Interval v) { return Value(DataType(TypeId::kInterval), v); }
  static Value vector(std::vector<float> v);
  // Signed integers, date32, time64, timestamp.
  static Value integral(DataType type, int64_t v) { return Value(std::move(type), v); }
  static Value unsigned_integral(DataType type, uint64_t v) { return Value(std::move(type), v); }
  static Value floating(DataType type, double v) { return Value(std::move(type), v); }
  static Value decimal(DataType type, Int128 v) { return Value(std::move(type), v); }
  // `encoded`: see nested_array.h.
  static Value nested(DataType type, std::string encoded) {
    return Value(std::move(type), std::move(encoded));
  }
  static Value binary(std::string v) { return Value(DataType(TypeId::kBinary), std::move(v)); }

  const DataType& type() const { return type_; }
  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }

  // Each throws InternalError when the value is of another kind.
  bool as_bool() const { return get<bool>(); }
  int64_t as_int64() const { return get<int64_t>(); }
  uint64_t as_uint64() const { return get<uint64_t>(); }
  double as_double() const { return get<double>(); }
  Int128 as_int128() const { return get<Int128>(); }
  const std::string& as_text() const { return get<std::string>(); }
  const Interval& as_interval() const { return get<Interval>(); }
  const std::vector<float>& as_vector() const { return get<std::vector<float>>(); }

  bool operator==(const Value& other) const { return type_ == other.type_ && data_ == other.data_; }

  // As it is shown to people: "NULL", "42", "0.5", "2013-01-01 05:00:00", "abc"; nested values as
  // JSON.
  std::string to_string() const;
  // As SQL text: strings and dates in quotes.
  std::string to_sql() const;

 private:
  using Data = std::variant<std::monostate, bool, int64_t, uint64_t, double, Int128, std::string,
                            Interval, std::vector<float>>;
  Value(DataType type, Data data) : type_(std::move(type)), data_(std::move(data)) {}

  template <typename T>
  const T& get() const;

  DataType type_;
  Data data_;
};

}  // namespace velaria
