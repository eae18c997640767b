#include "src/plan/decorrelation/subquery_join.h"

#include <numeric>
#include <optional>

#include "src/base/error.h"
#include "src/expr/evaluator.h"
#include "src/expr/function_registry.h"
#include "src/plan/decorrelation/outer_columns.h"
#include "src/plan/decorrelation/outer_domain.h"
#include "src/plan/decorrelation/pull_up.h"
#include "src/plan/join_condition.h"

namespace velaria {

namespace {

BoundExpressionPtr call(const char* name, std::vector<BoundExpressionPtr> arguments) {
  return FunctionRegistry::builtin().bind(name, std::move(arguments));
}

BoundExpressionPtr case_of(std::vector<BoundExpressionPtr> pairs_and_else, DataType type) {
  auto node = std::make_shared<BoundExpression>();
  node->kind = BoundKind::kCase;
  node->type = std::move(type);
  node->has_else = pairs_and_else.size() % 2 == 1;
  for (const auto& child : pairs_and_else) node->can_fail = node->can_fail || child->can_fail;
  node->children = std::move(pairs_and_else);
  return node;
}

BoundExpressionPtr column_of(const LogicalPlan& plan, size_t column) {
  const Field& field = plan.schema().field(column);
  return bound_column(column, field.type, field.name);
}

// Outer columns of level 0 are columns of the left side now.
BoundExpressionPtr to_left(const BoundExpressionPtr& expression) {
  return replace_outer_columns(expression, [](const BoundExpression& column) {
    if (column.outer_level == 0) return bound_column(column.column, column.type, column.name);
    return bound_outer_column(column.outer_level, column.column, column.type, column.name);
  });
}

// The rows of a subquery that go with an outer row.
struct Related {
  PlanPtr plan;
  std::vector<BoundExpressionPtr> conditions;  // over outer columns, then those of `plan`
};

Related relate(const PlanPtr& outer, const PlanPtr& subquery) {
  const size_t width = outer->schema().size();
  Related out;
  if (const auto pulled = pull_up_conditions(subquery)) {
    out.plan = pulled->plan;
    for (const auto& condition : pulled->conditions) {
      out.conditions.push_back(to_left(shift_columns(condition, width)));
    }
    return out;
  }
  const OuterDomain domain = make_outer_domain(outer, *subquery);
  const size_t first = subquery->schema().size();
  out.plan = push_outer_domain(subquery, domain);
  for (size_t i = 0; i < domain.values.size(); ++i) {
    const JoinKey key{domain.values[i], column_of(*out.plan, first + i), true};
    out.conditions.push_back(key_condition(key, width));
  }
  return out;
}

PlanPtr join(const PlanPtr& outer, const Related& related, JoinType type,
             std::optional<BoundExpressionPtr> further = std::nullopt, std::string mark_name = "") {
  std::vector<BoundExpressionPtr> conjuncts = related.conditions;
  if (further) conjuncts.push_back(*further);
  JoinCondition condition = split_join_condition(conjuncts, outer->schema().size());
  return std::make_shared<JoinPlan>(outer, related.plan, type, std::move(condition.keys),
                                    all_of(std::move(condition.rest)), false, std::move(mark_name));
}

// Only whether there are rows counts: what they hold and their order does not.
PlanPtr only_existence(PlanPtr plan) {
  for (;;) {
    if (plan->kind() == PlanKind::kProject || plan->kind() == PlanKind::kSort) {
      plan = plan->child();
    } else if (plan->kind() == PlanKind::kLimit &&
               static_cast<const LimitPlan&>(*plan).offset() == 0 &&
               static_cast<const LimitPlan&>(*plan).limit().value_or(1) > 0) {
      plan = plan->child();
    } else {
      return plan;
    }
  }
}

PlanPtr join_exists(const PlanPtr& outer, const Subquery& subquery, const PlanPtr& plan) {
  PlanPtr rows = only_existence(plan);
  if (!is_correlated(*rows)) rows = std::make_shared<LimitPlan>(rows, 1, 0);
  const Related related = relate(outer, rows);
  switch (subquery.kind) {
    case SubqueryKind::kExists: return join(outer, related, JoinType::kSemi);
    case SubqueryKind::kNotExists: return join(outer, related, JoinType::kAnti);
    default: return join(outer, related, JoinType::kMark, std::nullopt, subquery.name);
  }
}

// The outer columns and one expression over `joined`.
PlanPtr with_value(const PlanPtr& joined, size_t width, BoundExpressionPtr value,
                   const std::string& name) {
  std::vector<BoundExpressionPtr> expressions;
  std::vector<std::string> names;
  for (size_t i = 0; i < width; ++i) {
    expressions.push_back(column_of(*joined, i));
    names.push_back(joined->schema().field(i).name);
  }
  expressions.push_back(std::move(value));
  names.push_back(name);
  return std::make_shared<ProjectPlan>(joined, std::move(expressions), std::move(names));
}

// The values of the subquery that have an equal of the operand's type, as that, and NULLs: hashing
// needs one type. The other values are equal to nothing, but they are there: x IN (them) is NULL
// where x is.
PlanPtr values_with_equal(const PlanPtr& plan, const DataType& type) {
  const BoundExpressionPtr value = column_of(*plan, 0);
  if (value->type == type) return plan;
  const BoundExpressionPtr there = bound_cast(value, type, true);
  const BoundExpressionPtr has_equal =
      bound_logic(BoundKind::kOr, {call("is_null", {value}), call("=", {there, value})});
  return std::make_shared<ProjectPlan>(std::make_shared<FilterPlan>(plan, has_equal),
                                       std::vector<BoundExpressionPtr>{there},
                                       std::vector<std::string>{plan->schema().field(0).name});
}

// [NOT] IN over rows that are the same for every outer row; for a filter, NOT IN only.
PlanPtr join_in_uncorrelated(const PlanPtr& outer, const Subquery& subquery, const PlanPtr& plan) {
  const size_t width = outer->schema().size();
  const bool mark = subquery.kind == SubqueryKind::kInMark;
  const bool one_type = subquery.operand->type == plan->schema().field(0).type;
  const PlanPtr values = values_with_equal(plan, subquery.operand->type);
  const PlanPtr joined = std::make_shared<JoinPlan>(
      outer, values, mark ? JoinType::kMark : JoinType::kAnti,
      std::vector<JoinKey>{{subquery.operand, column_of(*values, 0), false}}, nullptr, true,
      mark ? subquery.name : "");
  if (one_type) return joined;
  // A NULL operand is unknown beside any row, also where no value has an equal of its type.
  const Related any_row{std::make_shared<LimitPlan>(plan, 1, 0), {}};
  const BoundExpressionPtr unknown = call("is_null", {subquery.operand});
  if (!mark) return join(joined, any_row, JoinType::kAnti, unknown);
  const PlanPtr both = join(joined, any_row, JoinType::kMark, unknown, "unknown");
  const DataType boolean(TypeId::kBool);
  return with_value(both, width,
                    case_of({column_of(*both, width + 1), bound_constant(Value::null(boolean)),
                             column_of(*both, width)},
                            boolean),
                    subquery.name);
}

PlanPtr join_in(const PlanPtr& outer, const Subquery& subquery, const PlanPtr& plan) {
  const size_t width = outer->schema().size();
  if (!is_correlated(*plan) && subquery.kind != SubqueryKind::kIn) {
    return join_in_uncorrelated(outer, subquery, plan);
  }
  const auto equal_to = [&](const PlanPtr& values) {
    return key_condition({subquery.operand, column_of(*values, 0), false}, width);
  };
  const Related candidates = relate(outer, values_with_equal(plan, subquery.operand->type));
  const BoundExpressionPtr equal = equal_to(candidates.plan);
  if (subquery.kind == SubqueryKind::kIn) return join(outer, candidates, JoinType::kSemi, equal);
  // Rows that are neither equal nor different make the answer NULL.
  const bool one_type = subquery.operand->type == plan->schema().field(0).type;
  Related all = one_type ? candidates : relate(outer, plan);
  const BoundExpressionPtr unknown = call("is_null", {equal_to(all.plan)});
  if (subquery.kind == SubqueryKind::kNotIn) {
    return join(join(outer, candidates, JoinType::kAnti, equal), all, JoinType::kAnti, unknown);
  }
  const PlanPtr found = join(outer, candidates, JoinType::kMark, equal, "found");
  // The second join's left side has one column more.
  const auto behind_mark = [&](const BoundExpressionPtr& e) {
    return replace_columns(e, [&](const BoundExpression& column) {
      return bound_column(column.column + (column.column < width ? 0 : 1), column.type,
                          column.name);
    });
  };
  for (BoundExpressionPtr& condition : all.conditions) condition = behind_mark(condition);
  const PlanPtr both = join(found, all, JoinType::kMark, behind_mark(unknown), "unknown");
  const DataType boolean(TypeId::kBool);
  return with_value(both, width,
                    case_of({column_of(*both, width), bound_constant(Value::boolean(true)),
                             column_of(*both, width + 1), bound_constant(Value::null(boolean)),
                             bound_constant(Value::boolean(false))},
                            boolean),
                    subquery.name);
}

// A subquery's only column as an expression over what lies below its topmost projections.
struct ScalarParts {
  PlanPtr below;
  BoundExpressionPtr value;
};
ScalarParts take_projections(const PlanPtr& plan) {
  ScalarParts out{plan, column_of(*plan, 0)};
  while (out.below->kind() == PlanKind::kProject) {
    const auto& project = static_cast<const ProjectPlan&>(*out.below);
    out.value = replace_columns(out.value, [&](const BoundExpression& column) {
      return project.expressions()[column.column];
    });
    out.below = project.child();
  }
  return out;
}

bool is_plain_column(const BoundExpression& e) { return e.kind == BoundKind::kColumn; }

// SELECT f(aggregates) FROM ... WHERE key = outer: grouped by the key once, then looked up.
std::optional<PlanPtr> join_aggregated_scalar(const PlanPtr& outer, const Subquery& subquery,
                                              const ScalarParts& parts) {
  if (parts.below->kind() != PlanKind::kAggregate) return std::nullopt;
  const auto& aggregate = static_cast<const AggregatePlan&>(*parts.below);
  bool correlated = !aggregate.keys().empty();
  visit_expressions(aggregate,
                    [&](const BoundExpression& e) { correlated = correlated || is_correlated(e); });
  if (correlated) return std::nullopt;
  const auto pulled = pull_up_keys(aggregate.child());
  if (!pulled || pulled->inner.empty()) return std::nullopt;

  std::vector<std::string> names;
  for (const auto& key : pulled->inner) names.push_back(key->to_string());
  const PlanPtr grouped = std::make_shared<AggregatePlan>(pulled->plan, pulled->inner,
                                                          std::move(names), aggregate.aggregates());
  const size_t width = outer->schema().size();
  std::vector<JoinKey> keys;
  for (size_t k = 0; k < pulled->inner.size(); ++k) {
    keys.push_back({to_left(pulled->outer[k]), column_of(*grouped, k), false});
  }
  const PlanPtr joined =
      std::make_shared<JoinPlan>(outer, grouped, JoinType::kLeft, std::move(keys), nullptr);
  const size_t first = width + pulled->inner.size();
  BoundExpressionPtr value =
      to_left(replace_columns(parts.value, [&](const BoundExpression& column) {
        return column_of(*joined, first + column.column);
      }));
  bool other_when_empty = false;
  visit_columns(*parts.value, [&](size_t column) {
    other_when_empty =
        other_when_empty || !value_over_no_rows(aggregate.aggregates()[column]).is_null();
  });
  if (other_when_empty) {
    const BoundExpressionPtr over_no_rows =
        fold_constants(to_left(replace_columns(parts.value, [&](const BoundExpression& column) {
          return bound_constant(value_over_no_rows(aggregate.aggregates()[column.column]));
        })));
    value =
        case_of({call("is_null", {column_of(*joined, width)}), over_no_rows, value}, value->type);
  }
  return with_value(joined, width, std::move(value), subquery.name);
}

PlanPtr join_scalar(const PlanPtr& outer, const Subquery& subquery, const PlanPtr& plan) {
  const size_t width = outer->schema().size();
  if (!is_correlated(*plan)) {
    // An aggregate over all rows gives exactly one row; otherwise more than one is an error.
    const PlanPtr joined = join(outer, {plan, {}}, JoinType::kSingle);
    return with_value(joined, width, column_of(*joined, width), subquery.name);
  }
  const ScalarParts parts = take_projections(plan);
  if (auto joined = join_aggregated_scalar(outer, subquery, parts)) return *joined;

  if (pull_up_conditions(parts.below)) {
    Related related = relate(outer, parts.below);
    const bool plain = is_plain_column(*parts.value);
    size_t marker = 0;
    if (!plain) {
      // Without a row the value is NULL, whatever the expression makes of NULLs.
      std::vector<BoundExpressionPtr> expressions;
      std::vector<std::string> names = related.plan->schema().names();
      for (size_t i = 0; i < names.size(); ++i) expressions.push_back(column_of(*related.plan, i));
      marker = width + names.size();
      expressions.push_back(bound_constant(Value::boolean(true)));
      names.emplace_back("found");
      related.plan =
          std::make_shared<ProjectPlan>(related.plan, std::move(expressions), std::move(names));
    }
    const PlanPtr joined = join(outer, related, JoinType::kSingle);
    BoundExpressionPtr value = to_left(shift_columns(parts.value, width));
    if (!plain) value = case_of({column_of(*joined, marker), value}, value->type);
    return with_value(joined, width, std::move(value), subquery.name);
  }
  const PlanPtr joined = join(outer, relate(outer, plan), JoinType::kSingle);
  return with_value(joined, width, column_of(*joined, width), subquery.name);
}

PlanPtr join_lateral(const PlanPtr& outer, const Subquery& subquery, const PlanPtr& plan) {
  const PlanPtr joined =
      join(outer, relate(outer, plan),
           subquery.kind == SubqueryKind::kLateralLeft ? JoinType::kLeft : JoinType::kInner);
  std::vector<size_t> columns(outer->schema().size() + plan->schema().size());
  std::iota(columns.begin(), columns.end(), size_t{0});
  return pick_columns(joined, columns);
}

}  // namespace

PlanPtr join_subquery(const PlanPtr& outer, const Subquery& subquery) {
  // Level 0 is the outer plan from here on, so that deeper levels can stay what they are.
  const PlanPtr plan = shift_outer_levels(subquery.plan, -1);
  switch (subquery.kind) {
    case SubqueryKind::kExists:
    case SubqueryKind::kNotExists:
    case SubqueryKind::kExistsMark: return join_exists(outer, subquery, plan);
    case SubqueryKind::kIn:
    case SubqueryKind::kNotIn:
    case SubqueryKind::kInMark: return join_in(outer, subquery, plan);
    case SubqueryKind::kScalar: return join_scalar(outer, subquery, plan);
    case SubqueryKind::kLateralInner:
    case SubqueryKind::kLateralLeft: return join_lateral(outer, subquery, plan);
  }
  VELARIA_CHECK(false);
  return nullptr;
}

}  // namespace velaria
