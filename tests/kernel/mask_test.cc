// Conditions as row masks against the same conditions as columns.
#include "src/kernel/mask.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/expr/filter.h"
#include "src/expr/function_registry.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"

namespace velaria {
namespace {

const DataType kInt64(TypeId::kInt64);
const DataType kInt32(TypeId::kInt32);
const DataType kFloat64(TypeId::kFloat64);
const DataType kText(TypeId::kUtf8);
const DataType kBool(TypeId::kBool);
const DataType kDecimal = DataType::decimal(30, 2);

ColumnPtr some_column(const DataType& type, int64_t rows, std::mt19937_64* random) {
  auto builder = ColumnBuilder::make(type);
  for (int64_t i = 0; i < rows; ++i) {
    const uint64_t pick = (*random)() % 12;
    const auto number = static_cast<int64_t>(pick) - 4;
    if (pick == 0) {
      builder->append_null();
    } else if (type == kFloat64) {
      builder->append_value(Value::float64(pick == 1   ? std::nan("")
                                           : pick == 2 ? -0.0
                                                       : static_cast<double>(number) / 2));
    } else if (type == kText) {
      // Some behind equal beginnings of more than an inline text.
      builder->append_value(
          Value::utf8(concat(pick > 8 ? "a text that is long " : "", std::to_string(number))));
    } else if (type == kDecimal) {
      builder->append_value(
          Value::decimal(type, pick == 1 ? Int128{number} * (Int128{1} << 70) : number));
    } else if (type == kBool) {
      builder->append_value(Value::boolean(pick % 2 == 0));
    } else {
      builder->append_value(Value::integral(type, number));
    }
  }
  return builder->finish();
}

std::vector<uint32_t> rows_of(const RowMask& mask) {
  std::vector<uint32_t> rows;
  mask_rows(mask, &rows);
  EXPECT_EQ(static_cast<size_t>(count_rows(mask)), rows.size());
  return rows;
}

class MaskTest : public testing::Test {
 protected:
  MaskTest() : random_(23) {
    for (const DataType& type :
         {kInt64, kInt64, kInt32, kFloat64, kFloat64, kText, kBool, kDecimal, kDecimal}) {
      types_.push_back(type);
    }
  }
  BoundExpressionPtr column(size_t i) const { return bound_column(i, types_[i], "c"); }
  BoundExpressionPtr call(const char* name, BoundExpressionPtr a, BoundExpressionPtr b) const {
    return FunctionRegistry::builtin().bind(name, {std::move(a), std::move(b)});
  }
  Chunk chunk(int64_t rows) {
    Chunk out;
    out.rows = rows;
    for (const DataType& type : types_) out.columns.push_back(some_column(type, rows, &random_));
    return out;
  }
  // The rows that the mask keeps are those where the column is true, with and without a selection.
  void check(const BoundExpressionPtr& condition) {
    for (int64_t rows : {1, 3, 63, 64, 65, 200, 2048}) {
      Chunk all = chunk(rows);
      for (bool selected : {false, true}) {
        if (selected) {
          auto selection = std::make_shared<Selection>();
          for (uint32_t row = 0; row < rows; row += 3) selection->push_back(row);
          all.selection = selection;
        }
        EvaluationBatch batch(all);
        RowMask mask;
        evaluate_mask(*condition, batch, &mask);
        EvaluationBatch again(all);
        std::vector<uint32_t> expected;
        const ColumnPtr column = flatten(evaluate(*condition, again));
        if (!column->type().is_null()) select_true(*column, &expected);
        ASSERT_EQ(rows_of(mask), expected) << condition->to_string() << " of " << rows;
      }
    }
  }

  std::mt19937_64 random_;
  std::vector<DataType> types_;
};

TEST_F(MaskTest, ComparisonsAreThoseOfTheEvaluator) {
  const std::vector<BoundExpressionPtr> constants{
      bound_constant(Value::int64(3)),
      bound_constant(Value::int64((int64_t{1} << 53) + 1)),
      bound_constant(Value::int64(std::numeric_limits<int64_t>::min())),
      bound_constant(Value::float64(2.5)),
      bound_constant(Value::float64(-1.0)),
      bound_constant(Value::float64(std::nan(""))),
      bound_constant(Value::float64(std::numeric_limits<double>::infinity())),
      bound_constant(Value::float64(-0x1p+63)),
      bound_constant(Value::null(kInt64))};
  for (const char* op : {"=", "<>", "<", "<=", ">", ">="}) {
    for (size_t c : {0u, 2u, 3u}) {
      for (const auto& constant : constants) {
        check(call(op, column(c), constant));
        check(call(op, constant, column(c)));
      }
    }
    check(call(op, column(0), column(1)));
    check(call(op, column(0), column(2)));
    check(call(op, column(0), column(3)));
    check(call(op, column(3), column(4)));
    for (const char* text : {"2", "", "a text that is long 4", "a text that is long 9"}) {
      check(call(op, column(5), bound_constant(Value::utf8(text))));
      check(call(op, bound_constant(Value::utf8(text)), column(5)));
    }
    check(call(op, column(7), column(8)));
    for (Int128 number : {Int128{3}, Int128{-3}, Int128{1} << 70, -(Int128{1} << 80)}) {
      check(call(op, column(7), bound_constant(Value::decimal(kDecimal, number))));
    }
    check(call(op, bound_constant(Value::int64(1)), bound_constant(Value::int64(2))));
  }
}

TEST_F(MaskTest, LogicIsThatOfTheEvaluator) {
  const auto number = call(">", column(3), bound_constant(Value::int64(0)));
  const auto other = call("<=", column(0), bound_constant(Value::int64(3)));
  const auto text = call("=", column(5), bound_constant(Value::utf8("1")));
  const auto null = bound_constant(Value::null(kBool));
  for (BoundKind outer : {BoundKind::kAnd, BoundKind::kOr}) {
    for (BoundKind inner : {BoundKind::kAnd, BoundKind::kOr}) {
      check(bound_logic(outer, {number, other, text}));
      check(bound_logic(outer, {text, bound_logic(inner, {number, column(6)}), other}));
      check(bound_logic(outer, {number, null, bound_logic(inner, {column(6), other})}));
    }
  }
  check(column(6));
  check(FunctionRegistry::builtin().bind("not", {bound_logic(BoundKind::kAnd, {number, other})}));
}

TEST_F(MaskTest, WhatIsTriedIsTrueForAllRowsWhenItFailsForOne) {
  const auto is_twelve = call("=", bound_cast(column(5), kInt64), bound_constant(Value::int64(12)));
  const auto tried = bound_try(is_twelve);
  EXPECT_FALSE(tried->can_fail);
  EXPECT_EQ(tried->to_string(), concat("try(", is_twelve->to_string(), ")"));
  for (const bool broken : {false, true}) {
    StringBuilder texts(kText);
    for (int64_t i = 0; i < 100; ++i) {
      texts.append(broken && i == 70 ? "no number" : i % 2 == 0 ? "11" : "12");
    }
    Chunk input = chunk(100);
    input.columns[5] = texts.finish();
    EvaluationBatch batch(input);
    RowMask mask;
    evaluate_mask(*tried, batch, &mask);
    EXPECT_EQ(count_rows(mask), broken ? 100 : 50);
    EvaluationBatch again(input);
    RowMask beside;
    mask_true(evaluate(*tried, again), &beside);
    EXPECT_EQ(beside, mask);
  }
}

// x <> 0 AND 7 % x ... never runs the second part where the first is false or NULL.
TEST_F(MaskTest, DecidedRowsAreNotEvaluatedWhenThatCouldFail) {
  const auto as_number = bound_cast(column(5), kInt64);
  FixedBuilder<int64_t> guard(kInt64);
  StringBuilder texts(kText);
  for (int64_t i = 0; i < 100; ++i) {
    guard.append(i % 2);
    texts.append(i % 2 == 0 ? "no number" : "12");
  }
  Chunk input = chunk(100);
  input.columns[0] = guard.finish();
  input.columns[5] = texts.finish();
  const auto is_twelve = call("=", as_number, bound_constant(Value::int64(12)));
  ASSERT_TRUE(is_twelve->can_fail);
  EvaluationBatch batch(input);
  RowMask mask;
  evaluate_mask(*bound_logic(BoundKind::kAnd,
                             {call("=", column(0), bound_constant(Value::int64(1))), is_twelve}),
                batch, &mask);
  EXPECT_EQ(count_rows(mask), 50);
  EvaluationBatch again(input);
  evaluate_mask(*bound_logic(BoundKind::kOr,
                             {call("=", column(0), bound_constant(Value::int64(0))), is_twelve}),
                again, &mask);
  EXPECT_EQ(count_rows(mask), 100);
}

// A foreign bool column may hold anything below a NULL.
TEST_F(MaskTest, BytesBelowNullsDoNotShow) {
  auto bytes = Buffer::allocate(64);
  ValidityBuilder validity;
  for (int i = 0; i < 64; ++i) {
    bytes->mutable_data()[i] = i % 2 == 0 ? 0xFF : 0;
    validity.append(i % 4 != 0);
  }
  RowMask mask;
  mask_true(Column::flat(kBool, 64, std::move(bytes), 0, validity.finish()), &mask);
  EXPECT_EQ(mask[0], 0x4444444444444444u);
}

}  // namespace
}  // namespace velaria
