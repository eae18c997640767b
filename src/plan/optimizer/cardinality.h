// Guesses of how many rows and distinct values a plan gives. Only the order of joins and of
// conditions depends on them, never an answer.
#pragma once

#include <map>

#include "src/plan/logical_plan.h"

namespace velaria {

class CardinalityEstimator {
 public:
  double rows(const PlanPtr& plan);
  // Distinct values of an expression over the plan's rows; at least 1.
  double distinct(const PlanPtr& plan, const BoundExpression& expression);
  // The share of the plan's rows that fulfil a condition.
  double selectivity(const PlanPtr& plan, const BoundExpression& condition);

 private:
  double estimate(const PlanPtr& plan);
  double join_rows(const JoinPlan& join);
  double column_distinct(const PlanPtr& plan, size_t column);
  double join_column_distinct(const JoinPlan& join, size_t column);

  std::map<const LogicalPlan*, double> rows_;
  std::vector<PlanPtr> alive_;  // so that no address in rows_ is used twice
};

}  // namespace velaria
