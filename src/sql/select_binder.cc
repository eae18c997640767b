#include "src/sql/select_binder.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/evaluator.h"
#include "src/expr/function_registry.h"
#include "src/plan/decorrelation/outer_columns.h"
#include "src/plan/decorrelation/pull_up.h"
#include "src/sql/binder.h"
#include "src/sql/expression_context.h"
#include "src/sql/group_binder.h"
#include "src/sql/parser.h"
#include "src/sql/window_binder.h"

namespace velaria::sql {

namespace {

void split_and(const Expression& expression, std::vector<const Expression*>* out) {
  if (expression.kind == ExpressionKind::kCall && expression.name == "and") {
    for (const ExpressionPtr& child : expression.children) split_and(*child, out);
    return;
  }
  out->push_back(&expression);
}

bool contains_subquery(const Expression& expression) {
  if (expression.subquery) return true;
  for (const ExpressionPtr& child : expression.children) {
    if (contains_subquery(*child)) return true;
  }
  return false;
}

std::optional<size_t> item_of_alias(const Expression& expression,
                                    const std::vector<SelectItem>& items) {
  if (expression.kind != ExpressionKind::kColumn || !expression.qualifier.empty()) {
    return std::nullopt;
  }
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].alias.empty() && equals_ignore_case(items[i].alias, expression.name)) return i;
  }
  return std::nullopt;
}

// `expression` with the aliases of items replaced by what they stand for.
ExpressionPtr with_aliases(const ExpressionPtr& expression, const std::vector<SelectItem>& items,
                           const NameScope& scope) {
  if (const auto item = item_of_alias(*expression, items)) {
    return scope.find(*expression) ? expression : items[*item].expression;
  }
  std::vector<ExpressionPtr> children;
  bool changed = false;
  for (const ExpressionPtr& child : expression->children) {
    children.push_back(with_aliases(child, items, scope));
    changed = changed || children.back() != child;
  }
  if (!changed) return expression;
  auto out = std::make_shared<Expression>(*expression);
  out->children = std::move(children);
  out->measure();
  return out;
}

}  // namespace

PlanPtr bind_select(const SelectStatement& statement, const TableResolver& resolver,
                    std::string_view text, std::optional<int64_t> statement_time_us) {
  return SelectBinder(resolver, text, statement_time_us).bind(statement);
}

PlanPtr SelectBinder::bind(const SelectStatement& statement) {
  const auto outer_tables = common_tables_;
  bind_common_tables(statement);
  PlanPtr plan = bind_query(statement, false);
  common_tables_ = outer_tables;
  return plan;
}

PlanPtr SelectBinder::bind_inner(const SelectStatement& statement, const NameScope& scope) const {
  return SelectBinder(*this, scope).bind(statement);
}

BoundExpressionPtr SelectBinder::outer_column(const Expression& column) const {
  size_t level = 1;
  for (const SelectBinder* query = this; query->around_ != nullptr; query = query->around_) {
    if (const auto found = query->outer_scope_->find(column)) {
      const ScopeColumn& outer = query->outer_scope_->columns()[*found];
      return bound_outer_column(level, *found, outer.type, outer.name);
    }
    ++level;
  }
  return nullptr;
}

void SelectBinder::fail(ErrorKind kind, const std::string& message, int64_t position) const {
  throw Error(kind, position < 0 ? message : message + "\n" + point_at(text_, position));
}

void SelectBinder::locate(ExpressionBinder& binder) const {
  binder.set_locator([text = text_](int64_t position) { return point_at(text, position); });
  binder.set_statement_time_us(statement_time_us_);
  binder.set_user_functions(resolver_.user_functions());
}

void SelectBinder::bind_common_tables(const SelectStatement& statement) {
  for (const CommonTable& table : statement.with) {
    PlanPtr plan = statement.recursive ? bind_recursive_table(table) : nullptr;
    if (!plan) plan = rename_columns(bind(*table.query), table.column_aliases, table.position);
    common_tables_[to_lower_ascii(table.name)] = std::move(plan);
  }
}

PlanPtr SelectBinder::common_table(const std::string& name) const {
  const std::string key = to_lower_ascii(name);
  int levels = 0;
  for (const SelectBinder* query = this; query != nullptr; query = query->around_) {
    const auto found = query->common_tables_.find(key);
    if (found != query->common_tables_.end()) return shift_outer_levels(found->second, levels);
    ++levels;
  }
  return nullptr;
}

PlanPtr SelectBinder::bind_query(const SelectStatement& statement, bool keep_null_types) {
  if (statement.set_operation != SetOperation::kNone) {
    return bind_set_operation(statement, keep_null_types);
  }
  if (!statement.values.empty()) {
    return bind_order_and_limit(statement,
                                values_relation(statement.values, statement.position).plan);
  }
  return bind_select_body(statement, keep_null_types);
}

PlanPtr SelectBinder::bind_select_body(const SelectStatement& statement, bool keep_null_types) {
  BoundRelation input = bind_from(statement.from);
  if (statement.where) add_where(*statement.where, &input);
  if (statement.time_window) add_time_window(*statement.time_window, &input);
  if (statement.hybrid_search) add_hybrid_search(*statement.hybrid_search, &input);

  const std::vector<SelectItem> items = expand_stars(statement, input.scope);
  const bool grouped =
      !statement.group_by.empty() || !statement.grouping_sets.empty() || statement.group_by_all ||
      statement.having ||
      std::any_of(items.begin(), items.end(),
                  [](const SelectItem& item) { return contains_aggregate(*item.expression); }) ||
      std::any_of(statement.order_by.begin(), statement.order_by.end(),
                  [](const SortKey& key) { return contains_aggregate(*key.expression); }) ||
      std::any_of(statement.windows.begin(), statement.windows.end(),
                  [](const auto& window) { return contains_aggregate(window.second); }) ||
      (statement.qualify && contains_aggregate(*statement.qualify));

  Projection projection;
  if (grouped) {
    bind_grouped(statement, items, input, &projection);
  } else {
    bind_ungrouped(statement, items, input, &projection);
  }
  return finish(statement, std::move(projection), keep_null_types);
}

void SelectBinder::Projection::add(BoundExpressionPtr expression, const SelectItem& item) {
  expressions.push_back(std::move(expression));
  names.push_back(!item.alias.empty() ? item.alias
                                      : (item.expression->kind == ExpressionKind::kColumn
                                             ? expressions.back()->name
                                             : item.expression->to_string()));
  visible = expressions.size();
}

// Conditions without subqueries come first, in their order: they are cheap and keep rows away from
// the joins that subqueries become.
void SelectBinder::add_where(const Expression& where, BoundRelation* input) const {
  ExpressionContext context(*this, input->scope);
  ExpressionBinder binder(input->scope);
  binder.set_context(&context);
  locate(binder);
  std::vector<const Expression*> written;
  split_and(where, &written);
  std::vector<BoundExpressionPtr> plain;
  for (const Expression* conjunct : written) {
    if (!contains_subquery(*conjunct)) plain.push_back(bind_condition(binder, *conjunct, "WHERE"));
  }
  if (!plain.empty()) {
    input->plan =
        std::make_shared<FilterPlan>(input->plan, bound_logic(BoundKind::kAnd, std::move(plain)));
  }
  std::vector<BoundExpressionPtr> with_subqueries;
  for (const Expression* conjunct : written) {
    if (!contains_subquery(*conjunct)) continue;
    bool filtered = false;
    try {
      filtered = context.filter_by_subquery(*conjunct, binder, &input->plan);
    } catch (const Error& error) {
      if (error.message().find('\n') != std::string::npos) throw;
      fail(error.kind(), error.message(), conjunct->position);
    }
    if (!filtered) with_subqueries.push_back(bind_condition(binder, *conjunct, "WHERE"));
  }
  input->plan = context.join_pending(input->plan);
  if (!with_subqueries.empty()) {
    input->plan = std::make_shared<FilterPlan>(
        input->plan, context.resolved(bound_logic(BoundKind::kAnd, std::move(with_subqueries))));
  }
  const size_t named = input->scope.columns().size();
  if (input->plan->schema().size() > named) {
    std::vector<size_t> columns(named);
    for (size_t i = 0; i < named; ++i) columns[i] = i;
    input->plan = pick_columns(input->plan, columns);
  }
}

void SelectBinder::bind_ungrouped(const SelectStatement& statement,
                                  const std::vector<SelectItem>& items, const BoundRelation& input,
                                  Projection* projection) const {
  ExpressionContext context(*this, input.scope);
  WindowBinder windows(statement.windows);
  context.set_windows(&windows);
  ExpressionBinder binder(input.scope);
  binder.set_context(&context);
  locate(binder);
  for (const SelectItem& item : items) {
    if (!item.column) {
      projection->add(binder.bind(*item.expression), item);
      continue;
    }
    const ScopeColumn& column = input.scope.columns()[*item.column];
    projection->add(bound_column(*item.column, column.type, column.name), item);
  }
  bind_sort_keys(statement, items, binder, projection);
  bind_distinct_on(statement, items, binder, projection);
  const BoundExpressionPtr qualify = bind_qualify(statement, items, input.scope, binder);
  projection->input = context.join_pending(input.plan);
  add_windows(context, &windows, qualify, projection);
}

// QUALIFY may name items of the select list by their aliases; columns of the input win.
BoundExpressionPtr SelectBinder::bind_qualify(const SelectStatement& statement,
                                              const std::vector<SelectItem>& items,
                                              const NameScope& scope,
                                              ExpressionBinder& binder) const {
  if (!statement.qualify) return nullptr;
  const bool windows = contains_window_function(*statement.qualify) ||
                       std::any_of(items.begin(), items.end(), [](const SelectItem& item) {
                         return contains_window_function(*item.expression);
                       });
  if (!windows) {
    fail(ErrorKind::kSqlSemantic,
         "QUALIFY filters by window functions, but there is none in it or in the select list; use "
         "WHERE or HAVING",
         statement.qualify->position);
  }
  return bind_condition(binder, *with_aliases(statement.qualify, items, scope), "QUALIFY");
}

// Window functions above the projection's input, and the rows that QUALIFY keeps.
void SelectBinder::add_windows(const ExpressionContext& context, WindowBinder* windows,
                               const BoundExpressionPtr& qualify, Projection* projection) {
  projection->input = windows->add_plans(
      projection->input, [&](const BoundExpressionPtr& e) { return context.resolved(e); });
  const auto resolved = [&](const BoundExpressionPtr& e) {
    return context.resolved(windows->resolved(e));
  };
  if (qualify) {
    projection->input = std::make_shared<FilterPlan>(projection->input, resolved(qualify));
  }
  for (BoundExpressionPtr& e : projection->expressions) e = resolved(e);
}

void SelectBinder::add_time_window(const TimeWindowClause& clause, BoundRelation* input) const {
  ExpressionBinder binder(input->scope);
  locate(binder);
  const BoundExpressionPtr time = binder.bind(*clause.time);
  if (time->kind != BoundKind::kColumn || time->type.id() != TypeId::kTimestamp) {
    fail(ErrorKind::kTypeMismatch,
         concat("WINDOW BY needs a timestamp column, but ", excerpt(time->to_string(), 80), " is ",
                time->type.to_string(), "; cast it in a subquery: SELECT *, CAST(x AS TIMESTAMP)"),
         clause.position);
  }
  if (clause.every_ms / clause.slide_ms >= kMostWindowsPerRow) {
    fail(ErrorKind::kSqlSemantic,
         concat("each row would be in ", clause.every_ms / clause.slide_ms,
                " windows; EVERY may be at most ", kMostWindowsPerRow, " times SLIDE"),
         clause.position);
  }
  for (const ScopeColumn& column : input->scope.columns()) {
    if (equals_ignore_case(column.name, clause.output_column)) {
      fail(ErrorKind::kSqlSemantic,
           concat("WINDOW BY ... AS ", clause.output_column,
                  ": the input has a column of that name already"),
           clause.position);
    }
  }
  input->plan = std::make_shared<TimeWindowPlan>(
      input->plan,
      TimeWindow{time->column, clause.every_ms, clause.slide_ms, clause.output_column});
  std::vector<ScopeColumn> columns = input->scope.columns();
  columns.push_back({"", clause.output_column, time->type});
  input->scope = NameScope(std::move(columns));
}

std::vector<SelectItem> SelectBinder::expand_stars(const SelectStatement& statement,
                                                   const NameScope& scope) const {
  std::vector<SelectItem> out;
  for (const SelectItem& item : statement.items) {
    if (item.expression->kind != ExpressionKind::kStar) {
      out.push_back(item);
      continue;
    }
    const std::string& qualifier = item.expression->qualifier;
    const size_t before = out.size();
    std::vector<bool> excluded(item.excluded.size(), false);
    std::vector<bool> replaced(item.replaced.size(), false);
    bool any_column = false;
    for (size_t number = 0; number < scope.columns().size(); ++number) {
      const ScopeColumn& column = scope.columns()[number];
      if (qualifier.empty() ? column.qualified_only
                            : !equals_ignore_case(qualifier, column.qualifier)) {
        continue;
      }
      any_column = true;
      bool is_out = false;
      for (size_t i = 0; i < item.excluded.size(); ++i) {
        if (!equals_ignore_case(item.excluded[i], column.name)) continue;
        excluded[i] = true;
        is_out = true;
      }
      for (size_t i = 0; !is_out && i < item.replaced.size(); ++i) {
        if (!equals_ignore_case(item.replaced[i].first, column.name)) continue;
        replaced[i] = true;
        is_out = true;
        out.push_back({item.replaced[i].second, column.name, item.position});
      }
      if (is_out) continue;
      auto reference = std::make_shared<Expression>();
      reference->kind = ExpressionKind::kColumn;
      reference->name = column.name;
      reference->quoted = true;
      reference->qualifier = column.qualifier;
      reference->position = item.expression->position;
      out.push_back({reference, "", item.position, {}, {}, number});
    }
    const auto refuse_unknown = [&](std::string_view word, const std::string& name) {
      fail(ErrorKind::kSqlSemantic,
           concat("* ", word, ": there is no column '", excerpt(name), "' among those of *"),
           item.position);
    };
    for (size_t i = 0; i < excluded.size(); ++i) {
      if (!excluded[i]) refuse_unknown("EXCLUDE", item.excluded[i]);
    }
    for (size_t i = 0; i < replaced.size(); ++i) {
      if (!replaced[i]) refuse_unknown("REPLACE", item.replaced[i].first);
    }
    if (any_column && out.size() == before) {
      fail(ErrorKind::kSqlSemantic, "* EXCLUDE leaves no column", item.position);
    }
    if (out.size() == before) {
      fail(ErrorKind::kSqlSemantic,
           qualifier.empty()
               ? std::string("SELECT * needs a table with columns in FROM")
               : concat("there is no table '", qualifier, "' in FROM for ", qualifier, ".*"),
           item.position);
    }
  }
  return out;
}

// GROUP BY 1, GROUP BY alias, or an expression over the input.
const Expression& SelectBinder::group_expression(const ExpressionPtr& written,
                                                 const std::vector<SelectItem>& items,
                                                 const NameScope& scope) const {
  if (const auto position = item_position(*written, items.size(), "GROUP BY")) {
    return *items[*position].expression;
  }
  if (written->kind == ExpressionKind::kColumn && written->qualifier.empty()) {
    // A column of the input wins over an alias, as in Postgres.
    for (const ScopeColumn& column : scope.columns()) {
      if (equals_ignore_case(column.name, written->name)) return *written;
    }
    for (const SelectItem& item : items) {
      if (equals_ignore_case(item.alias, written->name)) return *item.expression;
    }
  }
  return *written;
}

std::optional<size_t> SelectBinder::item_position(const Expression& expression, size_t items,
                                                  std::string_view clause) const {
  // A column chosen by a value would be a text read as SQL; as a constant it would order nothing.
  if (expression.parameter) {
    fail(ErrorKind::kSqlSemantic,
         concat(
             clause, " of a parameter, whose value is ", excerpt(expression.to_string(), 80),
             ": parameters are values and choose no column; write the column or its position into "
             "the statement"),
         expression.position);
  }
  if (expression.kind != ExpressionKind::kLiteral || !expression.literal.type().is_integer() ||
      expression.literal.is_null()) {
    return std::nullopt;
  }
  const Value wide = expression.literal;
  const int64_t position = wide.type().is_signed_integer() ? wide.as_int64() : -1;
  if (position < 1 || position > static_cast<int64_t>(items)) {
    fail(ErrorKind::kSqlSemantic,
         concat(clause, " ", expression.to_string(), ": the select list has ", items, " items"),
         expression.position);
  }
  return static_cast<size_t>(position - 1);
}

GroupingSets SelectBinder::merge_equal_keys(const SelectStatement& statement,
                                            std::vector<BoundExpressionPtr>* keys,
                                            std::vector<std::string>* key_names) const {
  if (statement.grouping_sets.empty()) return {};
  GroupingSets sets = sql::merge_equal_keys(statement.grouping_sets, keys, key_names);
  if (keys->size() > kMostGroupingKeys) {
    unsupported(concat("grouping sets over more than ", kMostGroupingKeys, " different keys"),
                statement.position);
  }
  return sets;
}

void SelectBinder::bind_grouped(const SelectStatement& statement,
                                const std::vector<SelectItem>& items, const BoundRelation& input,
                                Projection* projection) const {
  ExpressionContext key_context(*this, input.scope, ExpressionContext::Subqueries::kRefused);
  ExpressionBinder input_binder(input.scope);
  input_binder.set_context(&key_context);
  locate(input_binder);
  std::vector<BoundExpressionPtr> keys;
  std::vector<std::string> key_names;
  const auto add_key = [&](const Expression& expression) {
    if (contains_aggregate(expression)) {
      fail(ErrorKind::kSqlSemantic,
           concat("GROUP BY cannot contain the aggregate ", expression.to_string()),
           expression.position);
    }
    keys.push_back(input_binder.bind(expression));
    require_comparable({expression.to_string(), keys.back()->type}, "GROUP BY",
                       expression.position);
    key_names.push_back(expression.kind == ExpressionKind::kColumn ? keys.back()->name
                                                                   : expression.to_string());
  };
  for (const ExpressionPtr& written : statement.group_by) {
    add_key(group_expression(written, items, input.scope));
  }
  if (statement.group_by_all) {
    for (const SelectItem& item : items) {
      const bool computed_above =
          contains_aggregate(*item.expression) || contains_window_function(*item.expression);
      if (!computed_above) add_key(*item.expression);
    }
  }
  const GroupingSets sets = merge_equal_keys(statement, &keys, &key_names);
  // Subqueries inside aggregates are joined below the aggregate, the others above it.
  ExpressionContext argument_context(*this, input.scope);
  ExpressionContext output_context(*this, input.scope);
  GroupBinder binder(input.scope, keys, !sets.empty());
  binder.set_context(&output_context);
  binder.set_input_contexts(&argument_context, &key_context);
  locate(binder);
  WindowBinder windows(statement.windows);
  output_context.set_windows(&windows);
  for (const SelectItem& item : items) projection->add(binder.bind_item(*item.expression), item);
  output_context.set_windows(nullptr);
  BoundExpressionPtr having;
  if (statement.having) having = bind_condition(binder, *statement.having, "HAVING");
  output_context.set_windows(&windows);
  bind_sort_keys(statement, items, binder, projection);
  bind_distinct_on(statement, items, binder, projection);
  const BoundExpressionPtr qualify = bind_qualify(statement, items, input.scope, binder);
  // Only now are all aggregates known.
  std::vector<BoundAggregate> aggregates = binder.take_aggregates();
  const PlanPtr below = argument_context.join_pending(input.plan);
  for (BoundAggregate& aggregate : aggregates) {
    aggregate = map_expressions(std::move(aggregate), [&](const BoundExpressionPtr& e) {
      return argument_context.resolved(e);
    });
  }
  PlanPtr plan =
      sets.empty() ? std::make_shared<AggregatePlan>(below, keys, key_names, std::move(aggregates))
                   : aggregate_grouping_sets(below, sets, keys, key_names, aggregates);
  plan = output_context.join_pending(plan, [&](const BoundExpression& outer) {
    for (size_t k = 0; k < keys.size(); ++k) {
      if (keys[k]->kind == BoundKind::kColumn && keys[k]->column == outer.column) {
        return bound_outer_column(1, k, outer.type, outer.name);
      }
    }
    throw Error(ErrorKind::kSqlSemantic, concat("a subquery reads the column '", outer.name,
                                                "', which must be in GROUP BY for that"));
  });
  if (having) plan = std::make_shared<FilterPlan>(plan, output_context.resolved(having));
  projection->input = plan;
  add_windows(output_context, &windows, qualify, projection);
}

// An item's position, an item's alias, or any expression the select list could have: the column of
// the projection, which may come behind the select list.
size_t SelectBinder::projected_column(const ExpressionPtr& written,
                                      const std::vector<SelectItem>& items, std::string_view clause,
                                      ExpressionBinder& binder, Projection* projection) const {
  if (const auto position = item_position(*written, items.size(), clause)) return *position;
  if (const auto aliased = item_of_alias(*written, items)) return *aliased;
  const BoundExpressionPtr bound = binder.bind(*written);
  size_t column = 0;
  while (column < projection->expressions.size() &&
         !same_expression(*projection->expressions[column], *bound)) {
    ++column;
  }
  if (column == projection->expressions.size()) {
    projection->expressions.push_back(bound);
    projection->names.push_back(concat(to_lower_ascii(clause), " ", written->to_string()));
  }
  return column;
}

// ORDER BY.
void SelectBinder::bind_sort_keys(const SelectStatement& statement,
                                  const std::vector<SelectItem>& items, ExpressionBinder& binder,
                                  Projection* projection) const {
  for (const SortKey& key : statement.order_by) {
    const size_t before = projection->expressions.size();
    const size_t column = projected_column(key.expression, items, "ORDER BY", binder, projection);
    if (statement.distinct && statement.distinct_on.empty() && column >= before) {
      fail(ErrorKind::kSqlSemantic,
           concat("ORDER BY ", key.expression->to_string(),
                  " is not in the select list, which SELECT DISTINCT needs"),
           key.expression->position);
    }
    projection->sort_items.push_back({column, key.descending, key.nulls_first.value_or(false)});
  }
}

void SelectBinder::bind_distinct_on(const SelectStatement& statement,
                                    const std::vector<SelectItem>& items, ExpressionBinder& binder,
                                    Projection* projection) const {
  for (const ExpressionPtr& key : statement.distinct_on) {
    projection->distinct_on.push_back(
        projected_column(key, items, "DISTINCT ON", binder, projection));
  }
}

// DISTINCT ON: of the rows with equal keys the first one by ORDER BY.
PlanPtr SelectBinder::keep_first_rows(const SelectStatement& statement,
                                      const Projection& projection, const PlanPtr& plan) const {
  const auto column = [&](size_t i) {
    const Field& field = plan->schema().field(i);
    return bound_column(i, field.type, field.name);
  };
  std::vector<BoundExpressionPtr> keys;
  for (size_t i = 0; i < projection.distinct_on.size(); ++i) {
    keys.push_back(column(projection.distinct_on[i]));
    require_comparable(plan->schema().field(projection.distinct_on[i]), "DISTINCT ON",
                       statement.distinct_on[i]->position);
    if (keys.back()->type.is_vector()) {
      fail(ErrorKind::kTypeMismatch, "DISTINCT ON a vector is not possible",
           statement.distinct_on[i]->position);
    }
    if (keys.back()->type.is_null()) keys.back() = bound_cast(keys.back(), DataType(TypeId::kUtf8));
  }
  std::vector<BoundSortKey> order;
  for (const SortItem& item : projection.sort_items) {
    order.push_back({column(item.column), item.descending, item.nulls_first});
  }
  BoundWindowFunction row_number;
  row_number.kind = WindowFunctionKind::kRowNumber;
  row_number.result_type = DataType(TypeId::kInt64);
  const size_t number = plan->schema().size();
  const PlanPtr numbered = std::make_shared<WindowPlan>(
      plan, std::move(keys), std::move(order), std::vector<BoundWindowFunction>{row_number});
  const PlanPtr first = std::make_shared<FilterPlan>(
      numbered, FunctionRegistry::builtin().bind(
                    "=", {bound_column(number, row_number.result_type, row_number.to_string()),
                          bound_constant(Value::int64(1))}));
  std::vector<size_t> columns(number);
  for (size_t i = 0; i < number; ++i) columns[i] = i;
  return pick_columns(first, columns);
}

PlanPtr SelectBinder::finish(const SelectStatement& statement, Projection projection,
                             bool keep_null_types) const {
  // A bare NULL has no type to give out: it becomes text.
  for (BoundExpressionPtr& expression : projection.expressions) {
    if (keep_null_types) break;
    if (expression->type.is_null()) expression = bound_cast(expression, DataType(TypeId::kUtf8));
  }
  const size_t visible = projection.visible;
  PlanPtr plan =
      std::make_shared<ProjectPlan>(projection.input, projection.expressions, projection.names);
  if (!projection.distinct_on.empty()) {
    check_sortable(*plan, projection.sort_items, statement);
    plan = keep_first_rows(statement, projection, plan);
  } else if (statement.distinct) {
    std::vector<BoundExpressionPtr> keys;
    for (size_t i = 0; i < visible; ++i) {
      require_comparable(plan->schema().field(i), "SELECT DISTINCT", statement.position);
      keys.push_back(bound_column(i, plan->schema().field(i).type, plan->schema().field(i).name));
    }
    plan = std::make_shared<AggregatePlan>(plan, std::move(keys), plan->schema().names(),
                                           std::vector<BoundAggregate>());
  }
  if (!projection.sort_items.empty()) {
    check_sortable(*plan, projection.sort_items, statement);
    plan = std::make_shared<SortPlan>(plan, projection.sort_items);
  }
  plan = with_limit(statement, std::move(plan));
  if (visible < plan->schema().size()) {
    std::vector<BoundExpressionPtr> kept;
    std::vector<std::string> names;
    for (size_t i = 0; i < visible; ++i) {
      const Field& field = plan->schema().field(i);
      kept.push_back(bound_column(i, field.type, field.name));
      names.push_back(field.name);
    }
    plan = std::make_shared<ProjectPlan>(plan, std::move(kept), std::move(names));
  }
  return plan;
}

void SelectBinder::check_sortable(const LogicalPlan& plan, const std::vector<SortItem>& items,
                                  const SelectStatement& statement) const {
  for (size_t i = 0; i < items.size(); ++i) {
    const Field& key = plan.schema().field(items[i].column);
    const int64_t position = statement.order_by[i].expression->position;
    require_comparable(key, "ORDER BY", position);
    if (key.type.is_vector()) {
      fail(ErrorKind::kTypeMismatch, "ORDER BY a vector is not possible", position);
    }
  }
}

void SelectBinder::require_comparable(const Field& field, std::string_view clause,
                                      int64_t position) const {
  if (!field.type.is_nested()) return;
  fail(ErrorKind::kTypeMismatch, nested_refusal(clause, field.name, field.type), position);
}

// ORDER BY and LIMIT over a relation that has only its columns (VALUES, UNION ...).
PlanPtr SelectBinder::bind_order_and_limit(const SelectStatement& statement, PlanPtr plan) const {
  const NameScope scope = NameScope::of(plan->schema());
  ExpressionBinder binder(scope);
  locate(binder);
  std::vector<SortItem> sort_items;
  for (const SortKey& key : statement.order_by) {
    size_t column = 0;
    if (const auto position = item_position(*key.expression, plan->schema().size(), "ORDER BY")) {
      column = *position;
    } else {
      const BoundExpressionPtr bound = binder.bind(*key.expression);
      if (bound->kind != BoundKind::kColumn) {
        unsupported(
            "ORDER BY of VALUES, UNION, INTERSECT and EXCEPT takes a column or its position",
            key.expression->position);
      }
      column = bound->column;
    }
    sort_items.push_back({column, key.descending, key.nulls_first.value_or(false)});
  }
  if (!sort_items.empty()) {
    check_sortable(*plan, sort_items, statement);
    plan = std::make_shared<SortPlan>(plan, std::move(sort_items));
  }
  return with_limit(statement, std::move(plan));
}

PlanPtr SelectBinder::with_limit(const SelectStatement& statement, PlanPtr plan) const {
  const auto limit = row_count(statement.limit, "LIMIT");
  const auto offset = row_count(statement.offset, "OFFSET");
  if (!limit && !offset) return plan;
  return std::make_shared<LimitPlan>(std::move(plan), limit, offset.value_or(0));
}

// A whole number known before the query runs; NULL means none.
std::optional<int64_t> SelectBinder::row_count(const ExpressionPtr& expression,
                                               const char* clause) const {
  if (!expression) return std::nullopt;
  const NameScope no_columns;
  ExpressionBinder binder(no_columns);
  locate(binder);
  const BoundExpressionPtr bound = fold_constants(binder.bind(*expression));
  if (bound->is_constant() && bound->constant.is_null()) return std::nullopt;
  if (!bound->is_constant() || !bound->type.is_signed_integer() || bound->constant.as_int64() < 0) {
    fail(ErrorKind::kSqlSemantic,
         concat(clause, " ", excerpt(expression->to_string(), 80),
                ": a whole number of 0 or more is needed"),
         expression->position);
  }
  return bound->constant.as_int64();
}

}  // namespace velaria::sql
