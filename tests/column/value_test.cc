#include "src/column/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "src/base/error.h"
#include "src/column/decimal.h"
#include "src/column/schema.h"
#include "tests/column/random_tables.h"

namespace velaria {
namespace {

TEST(Decimal, Format) {
  EXPECT_EQ(format_decimal(12345, 2), "123.45");
  EXPECT_EQ(format_decimal(-5, 2), "-0.05");
  EXPECT_EQ(format_decimal(0, 0), "0");
  EXPECT_EQ(format_decimal(0, 3), "0.000");
  EXPECT_EQ(format_decimal(7, 38), "0.00000000000000000000000000000000000007");
  const Int128 smallest = static_cast<Int128>(1) << 127;
  EXPECT_EQ(format_decimal(smallest, 0), "-170141183460469231731687303715884105728");
  EXPECT_EQ(format_decimal(power_of_ten(38), 0), "1" + std::string(38, '0'));
}

TEST(Decimal, Parse) {
  EXPECT_EQ(parse_decimal("-12.5", 2), -1250);
  EXPECT_EQ(parse_decimal("+3", 0), 3);
  EXPECT_EQ(parse_decimal(".5", 1), 5);
  EXPECT_EQ(parse_decimal("5.", 1), 50);
  EXPECT_EQ(parse_decimal("1.2300", 2), 123);
  EXPECT_EQ(parse_decimal(std::string(38, '9'), 0), power_of_ten(38) - 1);
  for (const char* bad : {"", "-", ".", "1.234", "1e5", "1 ", "--1", "1..2", "0x1"}) {
    EXPECT_FALSE(parse_decimal(bad, 2)) << bad;
  }
  EXPECT_FALSE(parse_decimal("1" + std::string(38, '0'), 0));
  EXPECT_FALSE(parse_decimal(std::string(38, '9'), 1));
  EXPECT_FALSE(parse_decimal(std::string(100, '9'), 0));
  EXPECT_EQ(parse_decimal(std::string(100, '0') + "1", 0), 1);
}

TEST(Decimal, TextAndBack) {
  column_test::Random random(11);
  for (int i = 0; i < 500; ++i) {
    const DataType type = DataType::decimal(38, static_cast<int>(random() % 38));
    const Int128 value = column_test::random_value(type, random).as_int128();
    EXPECT_EQ(parse_decimal(format_decimal(value, type.scale()), type.scale()), value);
  }
}

TEST(Value, ShownToPeople) {
  EXPECT_EQ(Value().to_string(), "NULL");
  EXPECT_EQ(Value::boolean(true).to_string(), "true");
  EXPECT_EQ(Value::int64(-42).to_string(), "-42");
  EXPECT_EQ(Value::float64(0.5).to_string(), "0.5");
  EXPECT_EQ(Value::floating(DataType(TypeId::kFloat32), static_cast<double>(0.1f)).to_string(),
            "0.1");
  EXPECT_EQ(Value::unsigned_integral(DataType(TypeId::kUInt64), ~uint64_t{0}).to_string(),
            "18446744073709551615");
  EXPECT_EQ(Value::decimal(DataType::decimal(10, 2), 5).to_string(), "0.05");
  EXPECT_EQ(Value::utf8("abc").to_string(), "abc");
  EXPECT_EQ(Value::binary(std::string("\x00\xff", 2)).to_string(), "\\x00ff");
  EXPECT_EQ(Value::vector({1, 0.5f}).to_string(), "[1.0, 0.5]");
  EXPECT_EQ(Value::integral(DataType(TypeId::kDate32), 0).to_string(), "1970-01-01");
  EXPECT_EQ(Value::utf8("it's").to_sql(), "'it''s'");
  EXPECT_EQ(Value::integral(DataType(TypeId::kDate32), 0).to_sql(), "DATE '1970-01-01'");
}

TEST(Value, EqualOnlyInTypeAndValue) {
  EXPECT_EQ(Value::int64(1), Value::int64(1));
  EXPECT_FALSE(Value::int64(1) == Value::integral(DataType(TypeId::kInt32), 1));
  EXPECT_FALSE(Value::utf8("a") == Value::binary("a"));
  EXPECT_EQ(Value::null(DataType(TypeId::kInt64)), Value::null(DataType(TypeId::kInt64)));
  EXPECT_FALSE(Value() == Value::null(DataType(TypeId::kInt64)));
}

TEST(DataType, NamesComeBack) {
  for (const DataType& type : column_test::all_types()) {
    // The names of types with parameters of their own are read by the SQL parser.
    if (type.is_null() || type.is_vector() || type.id() == TypeId::kDecimal128 ||
        !type.time_zone().empty()) {
      continue;
    }
    EXPECT_EQ(type_from_name(type.to_string()), type) << type.to_string();
  }
  EXPECT_EQ(type_from_name("BigInt"), DataType(TypeId::kInt64));
  try {
    type_from_name("bigit");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kSqlSemantic);
    EXPECT_NE(error.message().find("bigint"), std::string::npos) << error.message();
  }
}

TEST(DataType, Equality) {
  EXPECT_EQ(DataType::timestamp(TimeUnit::kMicro, "UTC"),
            DataType::timestamp(TimeUnit::kMicro, "UTC"));
  EXPECT_NE(DataType::timestamp(TimeUnit::kMicro), DataType::timestamp(TimeUnit::kMicro, "UTC"));
  EXPECT_NE(DataType::timestamp(TimeUnit::kMicro), DataType::timestamp(TimeUnit::kNano));
  EXPECT_NE(DataType::decimal(10, 2), DataType::decimal(10, 3));
  EXPECT_NE(DataType::vector(2), DataType::vector(3));
  EXPECT_THROW(DataType::decimal(39, 0), Error);
  EXPECT_THROW(DataType::decimal(5, 6), Error);
}

TEST(Schema, FindExactFirstThenTheOnlyOneWithoutCase) {
  const Schema schema({{"Carrier", DataType(TypeId::kUtf8)},
                       {"carrier", DataType(TypeId::kInt64)},
                       {"Distance", DataType(TypeId::kInt64)}});
  EXPECT_EQ(schema.find("carrier"), 1u);
  EXPECT_EQ(schema.find("Carrier"), 0u);
  EXPECT_FALSE(schema.find("CARRIER"));
  EXPECT_EQ(schema.find("distance"), 2u);
  EXPECT_EQ(schema.to_string(), "Carrier utf8, carrier int64, Distance int64");
  try {
    schema.require("distanc");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kSqlSemantic);
    EXPECT_NE(error.message().find("did you mean 'Distance'"), std::string::npos)
        << error.message();
  }
}

}  // namespace
}  // namespace velaria
