#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/function_registry.h"
#include "src/plan/decorrelation/pull_up.h"
#include "src/sql/select_binder.h"

namespace velaria::sql {

namespace {

std::string_view name_of(SetOperation operation) {
  switch (operation) {
    case SetOperation::kUnion: return "UNION";
    case SetOperation::kUnionAll: return "UNION ALL";
    case SetOperation::kIntersect: return "INTERSECT";
    case SetOperation::kIntersectAll: return "INTERSECT ALL";
    case SetOperation::kExcept: return "EXCEPT";
    case SetOperation::kExceptAll: return "EXCEPT ALL";
    case SetOperation::kNone: break;
  }
  return "";
}

std::vector<BoundExpressionPtr> columns_of(const LogicalPlan& plan) {
  std::vector<BoundExpressionPtr> out;
  for (size_t i = 0; i < plan.schema().size(); ++i) {
    out.push_back(bound_column(i, plan.schema().field(i).type, plan.schema().field(i).name));
  }
  return out;
}

PlanPtr distinct(const PlanPtr& plan) {
  return std::make_shared<AggregatePlan>(plan, columns_of(*plan), plan->schema().names(),
                                         std::vector<BoundAggregate>());
}

// Which of several equal rows it is: 1, 2, ...
PlanPtr number_equal_rows(const PlanPtr& plan) {
  BoundWindowFunction row_number;
  row_number.kind = WindowFunctionKind::kRowNumber;
  row_number.result_type = DataType(TypeId::kInt64);
  return std::make_shared<WindowPlan>(plan, columns_of(*plan), std::vector<BoundSortKey>(),
                                      std::vector<BoundWindowFunction>{row_number});
}

// Rows of the left side that the right side has (or has not), NULL being equal to NULL.
PlanPtr match_rows(const PlanPtr& left, const PlanPtr& right, JoinType type) {
  std::vector<JoinKey> keys;
  const auto left_columns = columns_of(*left);
  const auto right_columns = columns_of(*right);
  for (size_t i = 0; i < left_columns.size(); ++i) {
    keys.push_back({left_columns[i], right_columns[i], true});
  }
  return std::make_shared<JoinPlan>(left, right, type, std::move(keys), nullptr);
}

PlanPtr cast_columns(const PlanPtr& plan, const std::vector<DataType>& types) {
  std::vector<BoundExpressionPtr> columns = columns_of(*plan);
  bool changed = false;
  for (size_t i = 0; i < columns.size(); ++i) {
    changed = changed || columns[i]->type != types[i];
    columns[i] = bound_cast(columns[i], types[i]);
  }
  if (!changed) return plan;
  return std::make_shared<ProjectPlan>(plan, std::move(columns), plan->schema().names());
}

// What column i of a plan computes, where that can be seen.
BoundExpressionPtr column_expression(const LogicalPlan& plan, size_t i) {
  if (plan.kind() == PlanKind::kProject) {
    return static_cast<const ProjectPlan&>(plan).expressions()[i];
  }
  const Field& field = plan.schema().field(i);
  return bound_column(i, field.type, field.name);
}

// A number literal of one side beside a decimal of the other one is that decimal exactly.
void settle_number_literals(PlanPtr* left, PlanPtr* right) {
  const size_t width = (*left)->schema().size();
  std::vector<BoundExpressionPtr> sides[2];
  bool changed[2] = {false, false};
  for (size_t i = 0; i < width; ++i) {
    const std::vector<BoundExpressionPtr> written{column_expression(**left, i),
                                                  column_expression(**right, i)};
    std::vector<BoundExpressionPtr> settled = written;
    settle_alternatives(&settled);
    for (size_t side = 0; side < 2; ++side) {
      changed[side] = changed[side] || settled[side] != written[side];
      sides[side].push_back(settled[side]);
    }
  }
  for (size_t side = 0; side < 2; ++side) {
    PlanPtr& plan = side == 0 ? *left : *right;
    if (!changed[side] || plan->kind() != PlanKind::kProject) continue;
    plan = std::make_shared<ProjectPlan>(plan->child(), sides[side], plan->schema().names());
  }
}

}  // namespace

void SelectBinder::unify_columns(const SelectStatement& statement, PlanPtr* left,
                                 PlanPtr* right) const {
  const Schema& a = (*left)->schema();
  const Schema& b = (*right)->schema();
  const std::string_view name = name_of(statement.set_operation);
  if (a.size() != b.size()) {
    fail(ErrorKind::kSqlSemantic,
         concat(name, " needs as many columns on both sides, but they have ", a.size(), " and ",
                b.size()),
         statement.position);
  }
  settle_number_literals(left, right);
  return unify_types(statement, left, right);
}

void SelectBinder::unify_types(const SelectStatement& statement, PlanPtr* left,
                               PlanPtr* right) const {
  const Schema& a = (*left)->schema();
  const Schema& b = (*right)->schema();
  const std::string_view name = name_of(statement.set_operation);
  std::vector<DataType> types;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto common = common_type(a.field(i).type, b.field(i).type);
    if (!common) {
      fail(ErrorKind::kTypeMismatch,
           concat("column ", i + 1, " of ", name, " is ", a.field(i).type.to_string(), " ('",
                  excerpt(a.field(i).name, 60), "') on the left and ", b.field(i).type.to_string(),
                  " ('", excerpt(b.field(i).name, 60), "') on the right; cast them to one type"),
           statement.position);
    }
    types.push_back(*common);
  }
  *left = cast_columns(*left, types);
  *right = cast_columns(*right, types);
  if (statement.set_operation == SetOperation::kUnionAll) return;
  for (const Field& field : (*left)->schema().fields()) {
    require_comparable(field, name, statement.position);
  }
}

PlanPtr SelectBinder::bind_set_operation(const SelectStatement& statement, bool keep_null_types) {
  const auto bind_side = [&](const SelectStatement& side) {
    const auto outer_tables = common_tables_;
    bind_common_tables(side);
    PlanPtr plan = bind_query(side, true);
    common_tables_ = outer_tables;
    return plan;
  };
  PlanPtr left = bind_side(*statement.left);
  PlanPtr right = bind_side(*statement.right);
  unify_columns(statement, &left, &right);
  if (!keep_null_types) {
    std::vector<DataType> types;
    for (const Field& field : left->schema().fields()) {
      types.push_back(field.type.is_null() ? DataType(TypeId::kUtf8) : field.type);
    }
    left = cast_columns(left, types);
    right = cast_columns(right, types);
  }
  const size_t width = left->schema().size();
  const auto without_number = [&](const PlanPtr& plan) {
    std::vector<size_t> columns(width);
    for (size_t i = 0; i < width; ++i) columns[i] = i;
    return pick_columns(plan, columns);
  };
  PlanPtr plan;
  switch (statement.set_operation) {
    case SetOperation::kUnionAll:
      plan = std::make_shared<UnionAllPlan>(std::vector<PlanPtr>{left, right});
      break;
    case SetOperation::kUnion:
      plan = distinct(std::make_shared<UnionAllPlan>(std::vector<PlanPtr>{left, right}));
      break;
    case SetOperation::kIntersect: plan = match_rows(distinct(left), right, JoinType::kSemi); break;
    case SetOperation::kExcept: plan = match_rows(distinct(left), right, JoinType::kAnti); break;
    case SetOperation::kIntersectAll:
    case SetOperation::kExceptAll: {
      const bool intersect = statement.set_operation == SetOperation::kIntersectAll;
      plan = without_number(match_rows(number_equal_rows(left), number_equal_rows(right),
                                       intersect ? JoinType::kSemi : JoinType::kAnti));
      break;
    }
    case SetOperation::kNone: VELARIA_CHECK(false);
  }
  return bind_order_and_limit(statement, std::move(plan));
}

}  // namespace velaria::sql
