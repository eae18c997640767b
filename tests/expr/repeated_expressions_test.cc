// Equal expressions become one node, computed once for the rows of a batch, and never for rows that
// would not have been looked at.
#include "gtest/gtest.h"
#include "src/column/builder.h"
#include "src/expr/evaluator.h"

namespace velaria {
namespace {

int g_calls = 0;
int64_t g_rows = 0;

ColumnPtr counted(const std::vector<ColumnPtr>& arguments, int64_t rows, const DataType&) {
  ++g_calls;
  g_rows += rows;
  return arguments[0];
}

BoundExpressionPtr column(size_t i) { return bound_column(i, DataType(TypeId::kBool), "b"); }

BoundExpressionPtr call(BoundExpressionPtr argument, bool fails = false) {
  auto node = std::make_shared<BoundExpression>();
  node->kind = BoundKind::kCall;
  node->type = DataType(TypeId::kBool);
  node->name = "counted";
  node->kernel = counted;
  node->fails_itself = fails;
  node->children.push_back(std::move(argument));
  node->update_can_fail();
  return node;
}

class RepeatedExpressionsTest : public testing::Test {
 protected:
  RepeatedExpressionsTest() {
    g_calls = 0;
    g_rows = 0;
    chunk_.rows = 4;
    for (const int step : {2, 1}) {  // every second row is true; all are
      auto values = Buffer::allocate(4);
      for (int i = 0; i < 4; ++i) values->mutable_data()[i] = i % step == 0;
      chunk_.columns.push_back(Column::flat(DataType(TypeId::kBool), 4, std::move(values), 0,
                                            ValidityBuilder().finish()));
    }
  }

  void evaluate_all(const std::vector<BoundExpressionPtr>& expressions) {
    EvaluationBatch batch(chunk_);
    for (const auto& e : expressions) evaluate(*e, batch);
  }

  Chunk chunk_;
};

TEST_F(RepeatedExpressionsTest, IsComputedOnceForABatch) {
  std::vector<BoundExpressionPtr> list = {call(column(0)), call(call(column(0))), call(column(0))};
  evaluate_all(list);
  EXPECT_EQ(g_calls, 4);
  share_repeated_expressions(&list);
  EXPECT_EQ(list[0], list[2]);
  EXPECT_EQ(list[0], list[1]->children[0]);
  g_calls = 0;
  evaluate_all(list);
  EXPECT_EQ(g_calls, 2);
  evaluate_all(list);  // another batch
  EXPECT_EQ(g_calls, 4);
}

TEST_F(RepeatedExpressionsTest, OfDifferentColumnsIsNotTheSame) {
  std::vector<BoundExpressionPtr> list = {call(column(0)), call(column(1))};
  const std::vector<BoundExpressionPtr> before = list;
  share_repeated_expressions(&list);
  EXPECT_EQ(list, before);
}

TEST_F(RepeatedExpressionsTest, OfZeroAndNegativeZeroIsNotTheSame) {
  std::vector<BoundExpressionPtr> list;
  for (const double zero : {0.0, -0.0}) list.push_back(call(bound_constant(Value::float64(zero))));
  const std::vector<BoundExpressionPtr> before = list;
  share_repeated_expressions(&list);
  EXPECT_EQ(list, before);
}

TEST_F(RepeatedExpressionsTest, BehindAndSeesOpenRowsOnly) {
  const auto guarded = [] {
    return bound_logic(BoundKind::kAnd, {column(0), call(column(1), true)});
  };
  std::vector<BoundExpressionPtr> list = {bound_cast(guarded(), DataType(TypeId::kInt32)),
                                          guarded()};
  share_repeated_expressions(&list);
  evaluate_all(list);
  EXPECT_EQ(g_calls, 1);
  EXPECT_EQ(g_rows, 2);
}

TEST_F(RepeatedExpressionsTest, OutsideAndInsideAGuardGivesEachItsRows) {
  std::vector<BoundExpressionPtr> list = {
      bound_logic(BoundKind::kAnd, {column(0), call(column(1), true)}), call(column(1), true)};
  share_repeated_expressions(&list);
  EvaluationBatch batch(chunk_);
  evaluate(*list[0], batch);
  EXPECT_EQ(g_rows, 2);
  evaluate(*list[1], batch);
  EXPECT_EQ(g_rows, 6);
  EXPECT_EQ(evaluate(*list[0], batch)->value(1), Value::boolean(false));
  EXPECT_EQ(evaluate(*list[0], batch)->value(2), Value::boolean(true));
}

}  // namespace
}  // namespace velaria
