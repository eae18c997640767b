// The types of columns, in Arrow's terms.
//
// A DataType is a small value: an id, its parameters, and shared details for the rare types that
// have a time zone or an element. Physical layout of a value inside a flat column:
//   bool             one byte 0/1
//   ints, floats     themselves
//   decimal128       __int128, the value times 10^scale
//   utf8, binary     StringView
//   date32           int32 days since 1970-01-01
//   time64           int64 microseconds since midnight
//   timestamp        int64 units since 1970-01-01 UTC
//   interval         Interval
//   fixed_size_list  `list_size` floats, in the child column
//   nested           StringView over the value's encoded bytes, see nested_array.h
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace velaria {

enum class TypeId : uint8_t {
  kNull,  // the type of a bare NULL; fits everywhere
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kFloat32,
  kFloat64,
  kDecimal128,
  kUtf8,
  kBinary,
  kDate32,
  kTime64,
  kTimestamp,
  kInterval,
  kFixedSizeList,  // of float32: vectors
  kNested,         // lists, structs and maps: carried, never looked into
};

enum class TimeUnit : uint8_t { kSecond, kMilli, kMicro, kNano };

int64_t units_per_second(TimeUnit unit);

using Int128 = __int128;

// Calendar interval as in SQL: the three parts do not convert into each other.
struct Interval {
  static constexpr int kMonthDays = 30;
  static constexpr int64_t kDayMicros = 86400000000;

  int32_t months = 0;
  int32_t days = 0;
  int64_t micros = 0;
  // What order and equality go by, as in Postgres: a month counts as 30 days, a day as 24 hours.
  Int128 total_micros() const {
    return (static_cast<Int128>(months) * kMonthDays + days) * kDayMicros + micros;
  }
  bool operator==(const Interval& other) const {
    return months == other.months && days == other.days && micros == other.micros;
  }
};

struct NestedType;

class DataType {
 public:
  DataType() = default;
  explicit DataType(TypeId id) : id_(id) {}

  static DataType decimal(int precision, int scale);
  static DataType timestamp(TimeUnit unit, std::string_view time_zone = "");
  static DataType vector(int32_t dimension);  // fixed_size_list<float32>[dimension]
  static DataType nested(std::shared_ptr<const NestedType> tree);

  TypeId id() const { return id_; }
  TimeUnit unit() const { return unit_; }
  int precision() const { return precision_; }
  int scale() const { return scale_; }
  int32_t list_size() const { return list_size_; }
  const std::string& time_zone() const;   // empty: no zone
  const NestedType& nested_type() const;  // of kNested only; lives as long as this or a copy

  bool operator==(const DataType& other) const;
  bool operator!=(const DataType& other) const { return !(*this == other); }

  bool is_null() const { return id_ == TypeId::kNull; }
  bool is_signed_integer() const { return id_ >= TypeId::kInt8 && id_ <= TypeId::kInt64; }
  bool is_unsigned_integer() const { return id_ >= TypeId::kUInt8 && id_ <= TypeId::kUInt64; }
  bool is_integer() const { return id_ >= TypeId::kInt8 && id_ <= TypeId::kUInt64; }
  bool is_float() const { return id_ == TypeId::kFloat32 || id_ == TypeId::kFloat64; }
  bool is_numeric() const { return id_ >= TypeId::kInt8 && id_ <= TypeId::kDecimal128; }
  bool is_string() const { return id_ == TypeId::kUtf8 || id_ == TypeId::kBinary; }
  bool is_temporal() const { return id_ >= TypeId::kDate32 && id_ <= TypeId::kTimestamp; }
  bool is_vector() const { return id_ == TypeId::kFixedSizeList; }
  bool is_nested() const { return id_ == TypeId::kNested; }
  // Values are StringViews, whose bytes the column's owners keep.
  bool has_string_views() const { return is_string() || is_nested(); }

  // "int64", "utf8", "timestamp[us, UTC]", "decimal128(10, 2)", "fixed_size_list<float32>[64]",
  // "struct<a: int64, b: list<utf8>>".
  std::string to_string() const;

  // Bytes of one value in a flat column; 0 for null and fixed_size_list.
  int value_width_bytes() const;

 private:
  TypeId id_ = TypeId::kNull;
  TimeUnit unit_ = TimeUnit::kMicro;
  uint8_t precision_ = 0;
  int8_t scale_ = 0;
  int32_t list_size_ = 0;
  // A std::string (the time zone of a timestamp, if it has one) or a NestedType, by id.
  std::shared_ptr<const void> details_;
};

// The SQL names of types: "BIGINT", "int", "varchar", "double precision", "timestamp" ... and the
// names of to_string(). Throws SqlSemanticError with a suggestion for an unknown one.
DataType type_from_name(std::string_view name);

}  // namespace velaria
