#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/expr/evaluator.h"
#include "src/expr/function_registry.h"
#include "src/plan/decorrelation/outer_columns.h"
#include "src/plan/decorrelation/pull_up.h"
#include "src/plan/decorrelation/subquery_join.h"
#include "src/plan/join_condition.h"
#include "src/sql/expression_context.h"
#include "src/sql/select_binder.h"

namespace velaria::sql {

namespace {

JoinType join_type_of(JoinKind kind) {
  switch (kind) {
    case JoinKind::kInner:
    case JoinKind::kCross: return JoinType::kInner;
    case JoinKind::kLeft: return JoinType::kLeft;
    case JoinKind::kRight: return JoinType::kRight;
    case JoinKind::kFull: return JoinType::kFull;
    case JoinKind::kSemi: return JoinType::kSemi;
    case JoinKind::kAnti: return JoinType::kAnti;
  }
  return JoinType::kInner;
}

NameScope both_scopes(const NameScope& left, const NameScope& right) {
  std::vector<ScopeColumn> columns = left.columns();
  columns.insert(columns.end(), right.columns().begin(), right.columns().end());
  return NameScope(std::move(columns));
}

// Exactly the columns that have names: what stands behind them was needed below only.
PlanPtr named_columns(const BoundRelation& relation) {
  const size_t count = relation.scope.columns().size();
  if (relation.plan->schema().size() == count) return relation.plan;
  std::vector<size_t> columns(count);
  for (size_t i = 0; i < count; ++i) columns[i] = i;
  return pick_columns(relation.plan, columns);
}

ExpressionPtr column_reference(const std::string& name) {
  auto column = std::make_shared<Expression>();
  column->kind = ExpressionKind::kColumn;
  column->name = name;
  return column;
}

}  // namespace

BoundRelation SelectBinder::bind_from(const TableRefPtr& from) {
  if (!from) return {ScanPlan::all_columns(resolver_.single_row(), ""), NameScope()};
  // One on the right of its join does not come here: bind_join takes it with what is to its left.
  if (from->lateral) {
    unsupported(
        "LATERAL is read here without tables to its left: behind a comma it is the whole next join "
        "that stands on the right; write LATERAL last, or FROM a CROSS JOIN LATERAL (SELECT ...) q "
        "JOIN s ON ..., or leave LATERAL out where nothing stands to its left",
        from->position);
  }
  switch (from->kind) {
    case TableRef::Kind::kTable: return bind_table(*from);
    case TableRef::Kind::kSubquery: return bind_derived_table(*from, nullptr);
    case TableRef::Kind::kValues: {
      BoundRelation relation = values_relation(from->values, from->position);
      relation.plan = rename_columns(relation.plan, from->column_aliases, from->position);
      relation.scope = NameScope::of(relation.plan->schema(), from->alias);
      return relation;
    }
    case TableRef::Kind::kJoin: return bind_join(*from);
    case TableRef::Kind::kFunction: return bind_table_function(*from);
  }
  VELARIA_CHECK(false);
  return {};
}

BoundRelation SelectBinder::bind_table_function(const TableRef& function) const {
  const NameScope no_columns;
  ExpressionBinder binder(no_columns);
  locate(binder);
  const auto constant = [&](const ExpressionPtr& argument) {
    const BoundExpressionPtr bound = fold_constants(binder.bind(*argument));
    if (!bound->is_constant()) {
      fail(ErrorKind::kSqlSemantic,
           concat("arguments of ", function.name, "() are constants; ",
                  excerpt(argument->to_string(), 80), " is not one that can be computed"),
           argument->position);
    }
    return bound->constant;
  };
  std::vector<Value> arguments;
  for (const ExpressionPtr& argument : function.arguments) arguments.push_back(constant(argument));
  std::vector<std::pair<std::string, Value>> named_arguments;
  for (const auto& [name, argument] : function.named_arguments) {
    named_arguments.emplace_back(name, constant(argument));
  }
  PlanPtr plan;
  try {
    plan = resolver_.resolve_function(function.name, arguments, named_arguments);
  } catch (const Error& error) {
    const bool placed = error.message().find('\n') != std::string::npos;
    if (placed ||
        (error.kind() != ErrorKind::kSqlSemantic && error.kind() != ErrorKind::kTypeMismatch)) {
      throw;
    }
    fail(error.kind(), error.message(), function.position);
  }
  std::vector<std::string> names = function.column_aliases;
  // FROM generate_series(1, 3) AS n: the alias also names the only column, as in Postgres.
  if (names.empty() && !function.alias.empty() && plan->schema().size() == 1 &&
      equals_ignore_case(plan->schema().field(0).name, function.name)) {
    names = {function.alias};
  }
  plan = rename_columns(plan, names, function.position);
  return {plan,
          NameScope::of(plan->schema(), function.alias.empty() ? function.name : function.alias)};
}

BoundRelation SelectBinder::bind_table(const TableRef& table) {
  PlanPtr plan;
  const PlanPtr common = table.is_path ? nullptr : common_table(table.name);
  try {
    if (table.is_path) {
      plan = resolver_.resolve_path(table.name);
    } else {
      plan = common ? common : resolver_.resolve_table(table.name);
    }
  } catch (const Error& error) {
    const bool placed = error.message().find('\n') != std::string::npos;
    if (placed || (error.kind() != ErrorKind::kCatalog && error.kind() != ErrorKind::kTableKind)) {
      throw;
    }
    fail(error.kind(), error.message(), table.position);
  }
  plan = rename_columns(plan, table.column_aliases, table.position);
  const std::string qualifier = table.alias.empty() ? table.name : table.alias;
  return {plan, NameScope::of(plan->schema(), qualifier)};
}

BoundRelation SelectBinder::bind_derived_table(const TableRef& table,
                                               const NameScope* lateral_scope) {
  PlanPtr plan = lateral_scope != nullptr ? bind_inner(*table.subquery, *lateral_scope)
                                          : bind(*table.subquery);
  plan = rename_columns(plan, table.column_aliases, table.position);
  return {plan, NameScope::of(plan->schema(), table.alias)};
}

BoundRelation SelectBinder::bind_join(const TableRef& join) {
  BoundRelation left = bind_from(join.left);
  if (join.right->lateral) return bind_lateral_join(join, std::move(left));
  return join_relations(join, std::move(left), bind_from(join.right));
}

BoundRelation SelectBinder::bind_lateral_join(const TableRef& join, BoundRelation left) {
  if (join.right->kind != TableRef::Kind::kSubquery) {
    unsupported("LATERAL takes a subquery: LATERAL (SELECT ...)", join.right->position);
  }
  const bool keeps_left = join.join_kind == JoinKind::kLeft;
  if (!keeps_left && join.join_kind != JoinKind::kInner && join.join_kind != JoinKind::kCross) {
    unsupported("LATERAL is possible in CROSS, INNER and LEFT JOIN only", join.position);
  }
  if (join.natural || !join.using_columns.empty()) {
    unsupported("LATERAL takes ON, not USING or NATURAL", join.position);
  }
  left.plan = named_columns(left);
  BoundRelation right = bind_derived_table(*join.right, &left.scope);
  BoundRelation out;
  out.scope = both_scopes(left.scope, right.scope);
  std::vector<BoundExpressionPtr> conjuncts = bind_join_condition(join, out.scope);
  if (keeps_left && !conjuncts.empty()) {
    // The condition belongs to the subquery's rows; seen from inside, the left columns are outer,
    // and those of the queries around are one level further out.
    const size_t width = left.scope.columns().size();
    for (BoundExpressionPtr& conjunct : conjuncts) {
      conjunct = replace_outer_columns(conjunct, [](const BoundExpression& outer) {
        return bound_outer_column(outer.outer_level + 1, outer.column, outer.type, outer.name);
      });
      conjunct = replace_columns(conjunct, [&](const BoundExpression& column) {
        return column.column < width
                   ? bound_outer_column(1, column.column, column.type, column.name)
                   : bound_column(column.column - width, column.type, column.name);
      });
    }
    right.plan = std::make_shared<FilterPlan>(right.plan, all_of(std::move(conjuncts)));
    conjuncts.clear();
  }
  Subquery subquery;
  subquery.kind = keeps_left ? SubqueryKind::kLateralLeft : SubqueryKind::kLateralInner;
  subquery.plan = right.plan;
  out.plan = join_subquery(left.plan, subquery);
  if (!conjuncts.empty()) {
    out.plan = std::make_shared<FilterPlan>(out.plan, all_of(std::move(conjuncts)));
  }
  return out;
}

std::vector<BoundExpressionPtr> SelectBinder::bind_join_condition(const TableRef& join,
                                                                  const NameScope& both) const {
  if (!join.on) return {};
  ExpressionContext context(*this, both, ExpressionContext::Subqueries::kRefused);
  ExpressionBinder binder(both);
  binder.set_context(&context);
  locate(binder);
  const BoundExpressionPtr condition = fold_constants(bind_condition(binder, *join.on, "ON"));
  if (condition->is_constant() && !condition->constant.is_null() && condition->constant.as_bool()) {
    return {};
  }
  return split_conjuncts(condition);
}

BoundRelation SelectBinder::join_relations(const TableRef& join, BoundRelation left,
                                           BoundRelation right) {
  left.plan = named_columns(left);
  right.plan = named_columns(right);
  std::vector<std::string> shared = join.using_columns;
  if (join.natural) {
    for (const ScopeColumn& column : left.scope.columns()) {
      if (column.qualified_only) continue;
      for (const ScopeColumn& other : right.scope.columns()) {
        if (!other.qualified_only && equals_ignore_case(column.name, other.name)) {
          shared.push_back(column.name);
          break;
        }
      }
    }
    if (shared.empty()) {
      fail(ErrorKind::kSqlSemantic,
           "NATURAL JOIN of two tables without a common column name would pair each row with each; "
           "write CROSS JOIN for that, or name the columns by ON",
           join.position);
    }
  }
  if (!shared.empty()) return join_using(join, left, right, shared);
  const NameScope both = both_scopes(left.scope, right.scope);
  JoinCondition condition =
      split_join_condition(bind_join_condition(join, both), left.scope.columns().size());
  const JoinType type = join_type_of(join.join_kind);
  BoundRelation out;
  out.plan = std::make_shared<JoinPlan>(left.plan, right.plan, type, std::move(condition.keys),
                                        all_of(std::move(condition.rest)));
  out.scope = gives_right_columns(type) ? both : left.scope;
  return out;
}

// One column for each name, then what is left of both sides. The sides' own columns stay reachable
// with their table's name.
BoundRelation SelectBinder::join_using(const TableRef& join, const BoundRelation& left,
                                       const BoundRelation& right,
                                       const std::vector<std::string>& names) {
  const JoinType type = join_type_of(join.join_kind);
  const size_t left_width = left.scope.columns().size();
  std::vector<JoinKey> keys;
  std::vector<std::pair<size_t, size_t>> pairs;
  std::vector<BoundExpressionPtr> exactly;  // what cannot be a key of one type
  std::vector<std::pair<BoundExpressionPtr, BoundExpressionPtr>> values;  // of both sides
  for (const std::string& name : names) {
    const ExpressionPtr reference = column_reference(name);
    size_t sides[2] = {0, 0};
    const BoundRelation* relations[2] = {&left, &right};
    for (int side = 0; side < 2; ++side) {
      try {
        sides[side] = relations[side]->scope.resolve(*reference);
      } catch (const Error& error) {
        fail(error.kind(),
             concat("USING (", name, "), ", side == 0 ? "left" : "right",
                    " side: ", error.message()),
             join.position);
      }
    }
    const ScopeColumn& a = left.scope.columns()[sides[0]];
    const ScopeColumn& b = right.scope.columns()[sides[1]];
    const auto common = common_type(a.type, b.type);
    if (!common) {
      fail(ErrorKind::kTypeMismatch,
           concat("USING (", name, "): the columns are ", a.type.to_string(), " and ",
                  b.type.to_string(), "; join ON a cast"),
           join.position);
    }
    require_comparable({a.name, *common}, "USING", join.position);
    const size_t beside = left.plan->schema().size();
    const BoundExpressionPtr from_left = bound_column(sides[0], a.type, a.name);
    const BoundExpressionPtr from_right = bound_column(beside + sides[1], b.type, b.name);
    if (loses_digits(a.type, b.type)) {
      exactly.push_back(FunctionRegistry::builtin().bind("=", {from_left, from_right}));
      values.emplace_back(from_left, from_right);
    } else {
      keys.push_back({bound_cast(from_left, *common),
                      bound_cast(bound_column(sides[1], b.type, b.name), *common), false});
      values.emplace_back(keys.back().left, bound_cast(from_right, *common));
    }
    pairs.emplace_back(sides[0], sides[1]);
  }
  const BoundExpressionPtr condition = exactly.empty() ? nullptr
                                       : exactly.size() == 1
                                           ? exactly[0]
                                           : bound_logic(BoundKind::kAnd, exactly);
  const PlanPtr joined = std::make_shared<JoinPlan>(left.plan, right.plan, type, keys, condition);
  if (!gives_right_columns(type)) return {joined, left.scope};

  std::vector<BoundExpressionPtr> expressions;
  std::vector<std::string> output_names;
  std::vector<ScopeColumn> columns;
  const auto add = [&](BoundExpressionPtr expression, const ScopeColumn& column) {
    ScopeColumn added = column;
    added.type = expression->type;
    expressions.push_back(std::move(expression));
    output_names.push_back(column.name);
    columns.push_back(std::move(added));
  };
  for (size_t k = 0; k < pairs.size(); ++k) {
    const auto& [from_left, from_right] = values[k];
    BoundExpressionPtr merged = from_left;
    if (type == JoinType::kRight) merged = from_right;
    if (type == JoinType::kFull) {
      merged = FunctionRegistry::builtin().bind("coalesce", {from_left, from_right});
    }
    add(merged, {"", left.scope.columns()[pairs[k].first].name, merged->type});
  }
  const auto add_side = [&](const BoundRelation& side, size_t offset, bool is_left) {
    for (size_t i = 0; i < side.scope.columns().size(); ++i) {
      ScopeColumn column = side.scope.columns()[i];
      const bool merged = std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) {
        return (is_left ? pair.first : pair.second) == i;
      });
      if (merged && column.qualifier.empty()) continue;  // nothing would find it
      column.qualified_only = column.qualified_only || merged;
      add(bound_column(offset + i, column.type, column.name), column);
    }
  };
  add_side(left, 0, true);
  add_side(right, left_width, false);
  return {std::make_shared<ProjectPlan>(joined, std::move(expressions), std::move(output_names)),
          NameScope(std::move(columns))};
}

PlanPtr SelectBinder::rename_columns(const PlanPtr& plan, const std::vector<std::string>& names,
                                     int64_t position) const {
  if (names.empty()) return plan;
  const Schema& schema = plan->schema();
  if (names.size() > schema.size()) {
    fail(ErrorKind::kSqlSemantic,
         concat(names.size(), " column names are given to a table of ", schema.size(), " columns"),
         position);
  }
  std::vector<BoundExpressionPtr> columns;
  std::vector<std::string> all = schema.names();
  for (size_t i = 0; i < schema.size(); ++i) {
    if (i < names.size()) all[i] = names[i];
    columns.push_back(bound_column(i, schema.field(i).type, schema.field(i).name));
  }
  return std::make_shared<ProjectPlan>(plan, std::move(columns), std::move(all));
}

BoundRelation SelectBinder::values_relation(const std::vector<std::vector<ExpressionPtr>>& rows,
                                            int64_t position) const {
  const NameScope no_columns;
  ExpressionBinder binder(no_columns);
  locate(binder);
  const size_t width = rows[0].size();
  std::vector<DataType> types(width);
  std::vector<std::vector<BoundExpressionPtr>> bound;
  for (const auto& row : rows) {
    if (row.size() != width) {
      fail(ErrorKind::kSqlSemantic,
           concat("VALUES rows have ", width, " and ", row.size(),
                  " values; all need the same number"),
           row.empty() ? position : row[0]->position);
    }
    bound.emplace_back();
    for (const ExpressionPtr& value : row) bound.back().push_back(binder.bind(*value));
  }
  for (size_t c = 0; c < width; ++c) {
    std::vector<BoundExpressionPtr> column;
    for (const auto& row : bound) column.push_back(row[c]);
    settle_alternatives(&column);
    for (size_t r = 0; r < column.size(); ++r) {
      const auto common = common_type(types[c], column[r]->type);
      if (!common) {
        fail(ErrorKind::kTypeMismatch,
             concat("column ", c + 1, " of VALUES mixes ", types[c].to_string(), " and ",
                    column[r]->type.to_string(), "; cast them to one type"),
             rows[r][c]->position);
      }
      types[c] = *common;
      bound[r][c] = std::move(column[r]);
    }
  }
  std::vector<Field> fields;
  Chunk one_row;
  one_row.rows = 1;
  std::vector<std::unique_ptr<ColumnBuilder>> builders;
  for (size_t c = 0; c < width; ++c) {
    if (types[c].is_null()) types[c] = DataType(TypeId::kUtf8);
    fields.push_back({concat("column", c + 1), types[c]});
    builders.push_back(ColumnBuilder::make(types[c]));
  }
  for (const auto& row : bound) {
    for (size_t c = 0; c < width; ++c) {
      EvaluationBatch batch(one_row);
      builders[c]->append_value(evaluate(*bound_cast(row[c], types[c]), batch)->value(0));
    }
  }
  Chunk chunk;
  chunk.rows = static_cast<int64_t>(rows.size());
  for (auto& builder : builders) chunk.columns.push_back(builder->finish());
  PlanPtr plan =
      ScanPlan::all_columns(resolver_.memory_table(Schema(std::move(fields)), {chunk}), "values");
  return {plan, NameScope::of(plan->schema())};
}

}  // namespace velaria::sql
