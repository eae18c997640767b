// Every function of the registry gives the same for a column as for its rows one by one, and with
// constants in any places. Fast paths for constants and whole columns hide here.
#include <cmath>
#include <random>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/expr/evaluator.h"
#include "src/expr/function_registry.h"

namespace velaria {
namespace {

constexpr int64_t kRows = 7;

std::vector<Value> pool(const DataType& type) {
  switch (type.id()) {
    case TypeId::kBool: return {Value::boolean(true), Value::boolean(false)};
    case TypeId::kFloat64:
      return {Value::float64(0),    Value::float64(-1.5), Value::float64(2.5),
              Value::float64(1e18), Value::float64(0.29), Value::float64(NAN)};
    case TypeId::kDecimal128:
      return {Value::decimal(type, 0), Value::decimal(type, 125), Value::decimal(type, -999999),
              Value::decimal(type, 3)};
    case TypeId::kUtf8:
      return {Value::utf8(""),      Value::utf8("abc"),          Value::utf8("Äpfel und Birnen"),
              Value::utf8("%b%"),   Value::utf8("year"),         Value::utf8("a"),
              Value::utf8("a,b,c"), Value::utf8("%Y-%m-%d"),     Value::utf8("2013-02-28"),
              Value::utf8("UTC"),   Value::utf8("Europe/Berlin")};
    case TypeId::kInterval:
      return {Value::interval({}), Value::interval({1, -2, 3000000}),
              Value::interval({0, 1, 86399999999})};
    case TypeId::kDate32:
      return {Value::integral(type, 0), Value::integral(type, 15764), Value::integral(type, -1)};
    case TypeId::kTimestamp:
      return {Value::integral(type, 0), Value::integral(type, 1362848742123456),
              Value::integral(type, -1)};
    default:
      return {Value::integral(type, 0), Value::integral(type, 1), Value::integral(type, -3),
              Value::integral(type, 7), Value::integral(type, 9007199254740993)};
  }
}

const std::vector<DataType>& argument_types() {
  static const auto* types = new std::vector<DataType>{
      DataType(TypeId::kBool),
      DataType(TypeId::kInt64),
      DataType(TypeId::kFloat64),
      DataType::decimal(8, 2),
      DataType(TypeId::kUtf8),
      DataType(TypeId::kDate32),
      DataType(TypeId::kInterval),
      DataType::timestamp(TimeUnit::kMicro),
      DataType::timestamp(TimeUnit::kMicro, "UTC"),
  };
  return *types;
}

std::string outcome(const BoundExpression& expression, const Chunk& chunk, int64_t row) {
  try {
    EvaluationBatch batch(chunk);
    return evaluate(expression, batch)->value(row).to_string();
  } catch (const Error& error) {
    return "error";
  }
}

BoundExpressionPtr bind(const std::string& name, std::vector<BoundExpressionPtr> arguments) {
  try {
    return FunctionRegistry::builtin().bind(name, std::move(arguments));
  } catch (const Error&) {
    return nullptr;  // the types or a constant do not fit
  }
}

TEST(ConstantAgreement, OfEveryFunction) {
  std::mt19937_64 random(3);
  int bound_calls = 0;
  for (const std::string& name : FunctionRegistry::builtin().names()) {
    const FunctionDefinition& definition = *FunctionRegistry::builtin().find(name);
    const size_t most = std::min<size_t>(definition.most_arguments, definition.least_arguments + 1);
    for (int round = 0; round < 150; ++round) {
      const size_t count =
          definition.least_arguments + random() % (most - definition.least_arguments + 1);
      Chunk chunk;
      chunk.rows = kRows;
      std::vector<std::vector<Value>> values(count);
      std::vector<BoundExpressionPtr> columns;
      const DataType first = argument_types()[random() % argument_types().size()];
      for (size_t i = 0; i < count; ++i) {
        // Often all of one type: most functions want that.
        const DataType type =
            random() % 2 == 0 ? first : argument_types()[random() % argument_types().size()];
        const std::vector<Value> known = pool(type);
        const auto builder = ColumnBuilder::make(type);
        // Half of the columns repeat one value, so that it can be a constant, too.
        const Value repeated = known[random() % known.size()];
        const bool same = random() % 2 == 0;
        for (int64_t r = 0; r < kRows; ++r) {
          const Value value = same                ? repeated
                              : random() % 5 == 0 ? Value::null(type)
                                                  : known[random() % known.size()];
          values[i].push_back(value);
          builder->append_value(value);
        }
        chunk.columns.push_back(builder->finish());
        columns.push_back(bound_column(i, type, "c"));
      }
      for (int64_t row = 0; row < kRows; ++row) {
        // A part of a date must be a constant: such calls exist with constants only.
        std::vector<BoundExpressionPtr> mixed = columns;
        std::vector<BoundExpressionPtr> constants;
        for (size_t i = 0; i < count; ++i) {
          const Value& value = values[i][static_cast<size_t>(row)];
          constants.push_back(bound_constant(value));
          if (random() % 2 == 0) mixed[i] = bound_constant(value);
        }
        Chunk one;
        one.rows = 1;
        for (const ColumnPtr& column : chunk.columns) one.columns.push_back(column->slice(row, 1));
        const BoundExpressionPtr by_columns = bind(name, columns);
        const BoundExpressionPtr by_mixed = bind(name, mixed);
        const BoundExpressionPtr by_constants = bind(name, constants);
        if (!by_mixed) continue;
        ++bound_calls;
        std::string shown = name;
        for (const auto& argument : constants) shown += " " + argument->to_string();
        const std::string answer = outcome(*by_mixed, one, 0);
        // The whole column may fail for another row; the row alone may not differ.
        const bool same_type = by_columns && by_columns->type == by_mixed->type;
        if (same_type) {
          EXPECT_EQ(answer, outcome(*by_columns, one, 0)) << shown;
          const std::string whole = outcome(*by_columns, chunk, row);
          if (whole != "error") {
            EXPECT_EQ(answer, whole) << shown;
          }
        }
        if (by_constants && by_constants->type == by_mixed->type) {
          EXPECT_EQ(answer, outcome(*by_constants, one, 0)) << shown;
        }
      }
    }
  }
  EXPECT_GT(bound_calls, 10000);
}

}  // namespace
}  // namespace velaria
