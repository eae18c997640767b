// Every pair of types: a cast gives the value, or an error that TRY_CAST turns into NULL; never
// something else, and the same for flat and constant columns.
#include <cctype>
#include <limits>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/column/decimal.h"
#include "src/kernel/cast.h"

namespace velaria {
namespace {

const std::vector<DataType>& all_types() {
  static const auto* types = new std::vector<DataType>{
      DataType(TypeId::kBool),
      DataType(TypeId::kInt8),
      DataType(TypeId::kInt16),
      DataType(TypeId::kInt32),
      DataType(TypeId::kInt64),
      DataType(TypeId::kUInt8),
      DataType(TypeId::kUInt16),
      DataType(TypeId::kUInt32),
      DataType(TypeId::kUInt64),
      DataType(TypeId::kFloat32),
      DataType(TypeId::kFloat64),
      DataType::decimal(5, 2),
      DataType::decimal(18, 0),
      DataType::decimal(38, 10),
      DataType(TypeId::kUtf8),
      DataType(TypeId::kBinary),
      DataType(TypeId::kDate32),
      DataType(TypeId::kTime64),
      DataType::timestamp(TimeUnit::kSecond),
      DataType::timestamp(TimeUnit::kMicro),
      DataType::timestamp(TimeUnit::kNano),
      DataType::timestamp(TimeUnit::kMicro, "UTC"),
      DataType(TypeId::kInterval),
      DataType::vector(2),
  };
  return *types;
}

std::vector<Value> samples(const DataType& type) {
  std::vector<Value> out;
  switch (type.id()) {
    case TypeId::kBool: return {Value::boolean(false), Value::boolean(true)};
    case TypeId::kFloat32:
    case TypeId::kFloat64:
      for (const double v : {0.0, -0.0, 0.5, -1.5, 2.5, 127.0, 128.0, 1e10, -1e18, 1e30, 1e-30,
                             static_cast<double>(std::numeric_limits<double>::infinity()),
                             std::numeric_limits<double>::quiet_NaN()}) {
        out.push_back(Value::floating(type, static_cast<float>(v)));
      }
      return out;
    case TypeId::kDecimal128: {
      const Int128 most = power_of_ten(type.precision()) - 1;
      for (const Int128 v :
           {Int128{0}, Int128{1}, Int128{-1}, Int128{150}, Int128{-12345}, most, -most}) {
        out.push_back(Value::decimal(type, v));
      }
      return out;
    }
    case TypeId::kUtf8:
      for (const char* v : {"", "0", "-7", " 42 ", "2.50", "1e3", "nan", "true", "x", "2013-02-28",
                            "05:06:07", "2013-02-28 05:06:07.123456", "2013-02-28 05:06:07Z",
                            "1 day 02:03:04", "[1, 2.5]", "99999999999999999999999999"}) {
        out.push_back(Value::utf8(v));
      }
      return out;
    case TypeId::kBinary: return {Value::binary(""), Value::binary("abc")};
    case TypeId::kInterval: return {Value::interval({}), Value::interval({14, -3, 3723000001})};
    case TypeId::kFixedSizeList: return {Value::vector({1.0f, -2.5f})};
    case TypeId::kDate32:
      for (const int64_t v : {0, -1, 15764, 2932896}) out.push_back(Value::integral(type, v));
      return out;
    case TypeId::kTime64:
      for (const int64_t v : {int64_t{0}, int64_t{1}, int64_t{86399999999}}) {
        out.push_back(Value::integral(type, v));
      }
      return out;
    case TypeId::kTimestamp:
      for (const int64_t v : {int64_t{0}, int64_t{-1}, int64_t{1362848742123456}}) {
        // Years people write; text has no others.
        const int64_t second = units_per_second(type.unit());
        out.push_back(Value::integral(type, second == 1 ? v % 253402300799 : v));
      }
      return out;
    default: break;
  }
  if (type.is_unsigned_integer()) {
    const int bits = type.value_width_bytes() * 8;
    const uint64_t most = ~uint64_t{0} >> (64 - bits);
    return {Value::unsigned_integral(type, 0), Value::unsigned_integral(type, 1),
            Value::unsigned_integral(type, most)};
  }
  const int bits = type.value_width_bytes() * 8;
  const int64_t most = std::numeric_limits<int64_t>::max() >> (64 - bits);
  return {Value::integral(type, 0), Value::integral(type, 1), Value::integral(type, -1),
          Value::integral(type, most), Value::integral(type, -most - 1)};
}

ColumnPtr flat_of(const Value& value) {
  const auto builder = ColumnBuilder::make(value.type());
  builder->append_value(value);
  builder->append_null();
  return builder->finish();
}

constexpr char kFailed[] = "<error>";

// NaN is no equal of itself, so outcomes are compared as text.
std::string outcome(const ColumnPtr& column, const DataType& to, CastMode mode) {
  try {
    const ColumnPtr out = cast(column, to, mode);
    EXPECT_EQ(out->type(), to);
    EXPECT_EQ(out->length(), column->length());
    if (column->length() == 2) {
      EXPECT_TRUE(out->is_null(1));
    }
    return out->value(0).to_string();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch) << error.message();
    return kFailed;
  }
}

class CastMatrix : public testing::TestWithParam<size_t> {};

TEST_P(CastMatrix, IsCheckedInEveryMode) {
  const DataType from = all_types()[GetParam()];
  for (const DataType& to : all_types()) {
    for (const Value& value : samples(from)) {
      SCOPED_TRACE(value.to_string() + " from " + from.to_string() + " to " + to.to_string());
      const ColumnPtr flat = flat_of(value);
      const ColumnPtr constant = Column::constant(value, 1);
      const std::string strict = outcome(flat, to, CastMode::kStrict);
      EXPECT_EQ(strict, outcome(constant, to, CastMode::kStrict));
      const std::string lenient = outcome(flat, to, CastMode::kTry);
      EXPECT_EQ(lenient, outcome(constant, to, CastMode::kTry));
      if (!can_cast(from, to)) {
        EXPECT_EQ(strict, kFailed);
        EXPECT_EQ(lenient, kFailed);
      } else {
        EXPECT_EQ(lenient, strict == kFailed ? "NULL" : strict);
      }
    }
  }
}

TEST_P(CastMatrix, TextReadsBack) {
  const DataType from = all_types()[GetParam()];
  if (from.id() == TypeId::kBinary) return;  // shown as digits, read as bytes
  const DataType text(TypeId::kUtf8);
  for (const Value& value : samples(from)) {
    SCOPED_TRACE(value.to_string());
    const Value shown = cast_value(value, text);
    EXPECT_EQ(cast_value(shown, from).to_string(), value.to_string());
  }
}

// What an integer or decimal becomes is the same number, so it comes back unchanged; a decimal that
// is cut is within half a unit.
TEST_P(CastMatrix, NumbersDoNotWrap) {
  const DataType from = all_types()[GetParam()];
  if (!from.is_integer()) return;
  for (const DataType& to : all_types()) {
    if (!to.is_integer() && to.id() != TypeId::kDecimal128) continue;
    for (const Value& value : samples(from)) {
      SCOPED_TRACE(value.to_string() + " to " + to.to_string());
      const ColumnPtr there = cast(Column::constant(value, 1), to, CastMode::kTry);
      if (!there->is_null(0)) {
        EXPECT_EQ(cast(there, from)->value(0), value);
      }
    }
  }
}

std::string type_name(const testing::TestParamInfo<size_t>& info) {
  std::string out;
  for (const char c : all_types()[info.param].to_string()) out += std::isalnum(c) ? c : '_';
  return out;
}

INSTANTIATE_TEST_SUITE_P(From, CastMatrix, testing::Range(size_t{0}, all_types().size()),
                         type_name);

}  // namespace
}  // namespace velaria
