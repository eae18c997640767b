// The 64-bit loops, the 128-bit rows and the 256-bit quotients must give one answer.
#include "src/kernel/decimal_arithmetic.h"

#include <random>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/column/decimal.h"

namespace velaria {
namespace {

constexpr ArithmeticOp kOps[] = {ArithmeticOp::kAdd, ArithmeticOp::kSubtract,
                                 ArithmeticOp::kMultiply, ArithmeticOp::kDivide,
                                 ArithmeticOp::kModulo};

ColumnPtr decimals(const DataType& type, const std::vector<Int128>& values) {
  FixedBuilder<Int128> builder(type);
  for (const Int128 value : values) builder.append(value);
  return builder.finish();
}

Int128 of_text(const std::string& digits) { return *parse_decimal(digits, 0); }

// `digits` random digits, often with extremes.
Int128 random_value(std::mt19937_64* random, int digits) {
  // 10^38 itself fits Int128.
  const Int128 limit =
      power_of_ten(static_cast<int>((*random)() % static_cast<size_t>(digits)) + 1);
  Int128 value = 0;
  switch ((*random)() % 8) {
    case 0: value = limit - 1; break;
    case 1: value = 0; break;
    case 2: value = limit / 2; break;
    default:
      value =
          static_cast<Int128>((static_cast<unsigned __int128>((*random)()) << 62) ^ (*random)()) %
          limit;
      if (value < 0) value = -value;
  }
  return (*random)() % 2 == 0 ? value : -value;
}

std::string outcome(ArithmeticOp op, const ColumnPtr& a, const ColumnPtr& b) {
  try {
    return decimal_arithmetic(op, a, b, decimal_result_type(op, a->type(), b->type()))
        ->value(0)
        .to_string();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
    return "overflow";
  }
}

TEST(DecimalArithmetic, FastAndSlowLoopsAgree) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 400; ++round) {
    const int a_digits = 1 + static_cast<int>(random() % 18);
    const int b_digits = 1 + static_cast<int>(random() % 18);
    const DataType a_type =
        DataType::decimal(20, static_cast<int>(random() % static_cast<size_t>(a_digits + 1)));
    const DataType b_type =
        DataType::decimal(18, static_cast<int>(random() % static_cast<size_t>(b_digits + 1)));
    std::vector<Int128> a;
    std::vector<Int128> b;
    for (int i = 0; i < 20; ++i) {
      a.push_back(random_value(&random, a_digits));
      b.push_back(random_value(&random, b_digits));
    }
    for (const ArithmeticOp op :
         {ArithmeticOp::kAdd, ArithmeticOp::kSubtract, ArithmeticOp::kMultiply}) {
      const DataType result = decimal_result_type(op, a_type, b_type);
      const ColumnPtr fast =
          decimal_arithmetic(op, decimals(a_type, a), decimals(b_type, b), result);
      // One value beyond a word at the end sends the whole column the long way.
      std::vector<Int128> longer = a;
      std::vector<Int128> ones = b;
      longer.push_back(of_text("10000000000000000000"));
      ones.push_back(1);
      const ColumnPtr slow =
          decimal_arithmetic(op, decimals(a_type, longer), decimals(b_type, ones), result);
      for (int64_t i = 0; i < 20; ++i) {
        EXPECT_EQ(fast->value(i), slow->value(i))
            << "row " << i << " of op " << static_cast<int>(op);
        // Constants on either side.
        const auto at = static_cast<size_t>(i);
        const ColumnPtr left = Column::constant(Value::decimal(a_type, a[at]), 1);
        const ColumnPtr right = Column::constant(Value::decimal(b_type, b[at]), 1);
        EXPECT_EQ(outcome(op, left, decimals(b_type, {b[at]})), slow->value(i).to_string());
        EXPECT_EQ(outcome(op, decimals(a_type, {a[at]}), right), slow->value(i).to_string());
      }
    }
  }
}

// a = (a / b) * b + rest, checked with the remainder that modulo gives.
TEST(DecimalArithmetic, QuotientsAndRemaindersFitTogether) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20000; ++round) {
    const Int128 x = random_value(&random, 38);
    const Int128 y = random_value(&random, 20);
    if (y == 0) continue;
    const DataType whole = DataType::decimal(38, 0);
    const ColumnPtr a = decimals(whole, {x});
    const ColumnPtr b = decimals(whole, {y});
    const Value rest = decimal_arithmetic(ArithmeticOp::kModulo, a, b, whole)->value(0);
    EXPECT_EQ(rest.as_int128(), x % y);
    // At scale 6 the quotient is x * 10^6 / y, half away from zero.
    const std::string quotient = outcome(ArithmeticOp::kDivide, a, b);
    Int128 scaled = 0;
    if (__builtin_mul_overflow(x, Int128{1000000}, &scaled)) continue;
    Int128 expected = scaled / y;
    const Int128 left = scaled % y;
    const Int128 twice = (left < 0 ? -left : left) * 2;
    const bool negative = (x < 0) != (y < 0);
    if (twice >= (y < 0 ? -y : y)) expected += negative ? -1 : 1;
    if (expected >= power_of_ten(38) || expected <= -power_of_ten(38)) {
      EXPECT_EQ(quotient, "overflow");
    } else {
      EXPECT_EQ(quotient, format_decimal(expected, 6));
    }
  }
}

TEST(DecimalArithmetic, WideProductsAreRounded) {
  // 1.5 * 1.0000003333... at 37 digits each: only 6 stay.
  const DataType fine = DataType::decimal(38, 37);
  const ColumnPtr a = decimals(fine, {of_text("15") * power_of_ten(36)});
  const ColumnPtr b =
      decimals(fine, {power_of_ten(37) + of_text("3333333333333333333333333333333")});
  const DataType result = decimal_result_type(ArithmeticOp::kMultiply, fine, fine);
  EXPECT_EQ(result, DataType::decimal(38, 36));
  EXPECT_EQ(decimal_arithmetic(ArithmeticOp::kMultiply, a, b, result)->value(0).to_string(),
            "1.500000500000000000000000000000000000");
}

TEST(DecimalArithmetic, NullsAndGarbageUnderThemDoNotFail) {
  FixedBuilder<Int128> builder(DataType::decimal(38, 0));
  builder.append_null();
  builder.append(7);
  const ColumnPtr nulls = builder.finish();
  const ColumnPtr zero = Column::constant(Value::decimal(DataType::decimal(38, 0), 0), 2);
  for (const ArithmeticOp op : kOps) {
    const DataType result = decimal_result_type(op, nulls->type(), zero->type());
    const ColumnPtr out = decimal_arithmetic(op, nulls, zero, result);
    EXPECT_TRUE(out->is_null(0));
    EXPECT_EQ(out->is_null(1), op == ArithmeticOp::kDivide || op == ArithmeticOp::kModulo);
  }
}

TEST(DecimalArithmetic, ComparesAcrossScales) {
  const Int128 huge = power_of_ten(38) - 1;
  EXPECT_GT(compare_decimals(huge, 0, huge, 38), 0);
  EXPECT_LT(compare_decimals(-huge, 0, -huge, 38), 0);
  EXPECT_EQ(compare_decimals(10, 1, 1, 0), 0);
  EXPECT_LT(compare_decimals(10, 1, 11, 1), 0);
  EXPECT_GT(compare_decimals(1, 0, 9999999, 7), 0);
}

}  // namespace
}  // namespace velaria
