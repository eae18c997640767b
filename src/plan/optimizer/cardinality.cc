#include "src/plan/optimizer/cardinality.h"

#include <algorithm>
#include <cmath>

namespace velaria {

namespace {

// Rows of a source that does not know.
constexpr double kUnknownRows = 100000;
// Shares of the rows that a condition lets through, where nothing better is known; the usual values
// since P. Selinger et al., Access Path Selection (SIGMOD 1979).
constexpr double kRange = 1.0 / 3;
constexpr double kPattern = 0.1;
constexpr double kIsNull = 0.05;
constexpr double kOther = 0.25;

// Distinct values left of `distinct` when only a share of the rows is left.
double after_filter(double distinct, double rows, double share) {
  if (rows <= 0 || distinct <= 0) return 1;
  const double repetitions = std::max(1.0, rows / distinct);
  return std::max(1.0, distinct * (1 - std::pow(1 - std::min(share, 1.0), repetitions)));
}

}  // namespace

double CardinalityEstimator::rows(const PlanPtr& plan) {
  const auto found = rows_.find(plan.get());
  if (found != rows_.end()) return found->second;
  const double guess = std::max(1.0, estimate(plan));
  rows_[plan.get()] = guess;
  alive_.push_back(plan);
  return guess;
}

double CardinalityEstimator::estimate(const PlanPtr& plan) {
  switch (plan->kind()) {
    case PlanKind::kScan: {
      const auto known = static_cast<const ScanPlan&>(*plan).source()->known_rows();
      return known ? static_cast<double>(*known) : kUnknownRows;
    }
    case PlanKind::kFilter:
      return rows(plan->child()) *
             selectivity(plan->child(), *static_cast<const FilterPlan&>(*plan).condition());
    case PlanKind::kProject:
    case PlanKind::kSort:
    case PlanKind::kShared:
    case PlanKind::kWindow: return rows(plan->child());
    case PlanKind::kTimeWindow: {
      const TimeWindow& window = static_cast<const TimeWindowPlan&>(*plan).window();
      return rows(plan->child()) * static_cast<double>(window.width_ms) /
             static_cast<double>(window.slide_ms);
    }
    case PlanKind::kAggregate: {
      const auto& keys = static_cast<const AggregatePlan&>(*plan).keys();
      double groups = 1;
      for (const auto& key : keys) groups *= distinct(plan->child(), *key);
      return std::min(groups, rows(plan->child()));
    }
    case PlanKind::kLimit: {
      const auto limit = static_cast<const LimitPlan&>(*plan).limit();
      const double below = rows(plan->child());
      return limit ? std::min(below, static_cast<double>(*limit)) : below;
    }
    case PlanKind::kTopN:
      return std::min(rows(plan->child()),
                      static_cast<double>(static_cast<const TopNPlan&>(*plan).limit()));
    case PlanKind::kVectorTopK:
      return std::min(rows(plan->child()),
                      static_cast<double>(static_cast<const VectorTopKPlan&>(*plan).top().limit));
    case PlanKind::kUnionAll: {
      double sum = 0;
      for (const PlanPtr& child : plan->children()) sum += rows(child);
      return sum;
    }
    case PlanKind::kJoin: return join_rows(static_cast<const JoinPlan&>(*plan));
  }
  return kUnknownRows;
}

double CardinalityEstimator::join_rows(const JoinPlan& join) {
  const double left = rows(join.left());
  const double right = rows(join.right());
  double pairs = left * right;
  double found_left = 1;   // share of left rows with a match
  double found_right = 1;  // share of right rows with a match
  for (const JoinKey& key : join.keys()) {
    const double a = distinct(join.left(), *key.left);
    const double b = distinct(join.right(), *key.right);
    pairs /= std::max(a, b);
    found_left *= std::min(1.0, b / a);
    found_right *= std::min(1.0, a / b);
  }
  // Several keys are rarely independent: together they are taken for a key of the smaller side.
  if (join.keys().size() > 1) pairs = std::max(pairs, std::max(left, right));
  if (join.condition()) {
    for (size_t i = 0; i < split_conjuncts(join.condition()).size(); ++i) pairs *= kRange;
  }
  switch (join.type()) {
    case JoinType::kInner: return pairs;
    case JoinType::kLeft: return std::max(pairs, left);
    case JoinType::kRight: return std::max(pairs, right);
    case JoinType::kFull: return std::max({pairs, left, right});
    case JoinType::kSemi: return left * found_left;
    case JoinType::kAnti: return left * std::max(0.1, 1 - found_left);
    case JoinType::kRightSemi: return right * found_right;
    case JoinType::kRightAnti: return right * std::max(0.1, 1 - found_right);
    case JoinType::kMark:
    case JoinType::kSingle: return left;
  }
  return pairs;
}

double CardinalityEstimator::distinct(const PlanPtr& plan, const BoundExpression& expression) {
  double product = 1;
  visit_columns(expression,
                [&](size_t column) { product *= std::max(1.0, column_distinct(plan, column)); });
  return std::clamp(product, 1.0, rows(plan));
}

double CardinalityEstimator::column_distinct(const PlanPtr& plan, size_t column) {
  switch (plan->kind()) {
    case PlanKind::kScan: {
      const auto& scan = static_cast<const ScanPlan&>(*plan);
      const auto known = scan.source()->estimated_distinct(scan.columns()[column]);
      return known ? static_cast<double>(*known) : std::pow(rows(plan), 0.75);
    }
    case PlanKind::kFilter: {
      const auto& condition = *static_cast<const FilterPlan&>(*plan).condition();
      return after_filter(column_distinct(plan->child(), column), rows(plan->child()),
                          selectivity(plan->child(), condition));
    }
    case PlanKind::kProject:
      return distinct(plan->child(), *static_cast<const ProjectPlan&>(*plan).expressions()[column]);
    case PlanKind::kAggregate: {
      const auto& keys = static_cast<const AggregatePlan&>(*plan).keys();
      return column < keys.size() ? distinct(plan->child(), *keys[column]) : rows(plan);
    }
    case PlanKind::kJoin: return join_column_distinct(static_cast<const JoinPlan&>(*plan), column);
    case PlanKind::kUnionAll: {
      double sum = 0;
      for (const PlanPtr& child : plan->children()) sum += column_distinct(child, column);
      return sum;
    }
    case PlanKind::kTimeWindow:
    case PlanKind::kWindow:
      if (column >= plan->child()->schema().size()) return std::sqrt(rows(plan));
      return column_distinct(plan->child(), column);
    case PlanKind::kVectorTopK:
      if (column >= plan->child()->schema().size()) return rows(plan);
      return std::min(rows(plan), column_distinct(plan->child(), column));
    case PlanKind::kSort:
    case PlanKind::kShared: return column_distinct(plan->child(), column);
    case PlanKind::kLimit:
    case PlanKind::kTopN: return std::min(rows(plan), column_distinct(plan->child(), column));
  }
  return rows(plan);
}

double CardinalityEstimator::join_column_distinct(const JoinPlan& join, size_t column) {
  if (!gives_left_columns(join.type())) return column_distinct(join.right(), column);
  const size_t left_width = join.left()->schema().size();
  if (column < left_width) return column_distinct(join.left(), column);
  if (!gives_right_columns(join.type())) return 2;  // the mark
  return column_distinct(join.right(), column - left_width);
}

double CardinalityEstimator::selectivity(const PlanPtr& plan, const BoundExpression& condition) {
  switch (condition.kind) {
    case BoundKind::kAnd: {
      double share = 1;
      for (const auto& child : condition.children) share *= selectivity(plan, *child);
      return share;
    }
    case BoundKind::kOr: {
      double rest = 1;
      for (const auto& child : condition.children) rest *= 1 - selectivity(plan, *child);
      return 1 - rest;
    }
    case BoundKind::kConstant:
      return !condition.constant.is_null() && condition.constant.as_bool() ? 1 : 0;
    case BoundKind::kTry: return 1;  // counted where it is asked
    case BoundKind::kCall: break;
    default: return kOther;
  }
  const std::string& name = condition.name;
  if (name == "=" || name == "is_not_distinct_from") {
    double most = 1;
    for (const auto& child : condition.children) {
      if (!child->is_constant()) most = std::max(most, distinct(plan, *child));
    }
    return 1 / most;
  }
  if (name == "<>" || name == "is_distinct_from") return 0.9;
  if (name == "<" || name == "<=" || name == ">" || name == ">=") return kRange;
  if (name == "not") return std::max(0.1, 1 - selectivity(plan, *condition.children[0]));
  if (name == "is_null") return kIsNull;
  if (name == "is_not_null") return 1 - kIsNull;
  if (name == "like" || name == "ilike") return kPattern;
  if (name == "in") {
    const double values = static_cast<double>(condition.children.size() - 1);
    return std::min(0.9, values / distinct(plan, *condition.children[0]));
  }
  return kOther;
}

}  // namespace velaria
