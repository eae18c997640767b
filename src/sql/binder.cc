#include "src/sql/binder.h"

#include <algorithm>
#include <map>
#include <optional>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/expr/binder.h"
#include "src/expr/evaluator.h"
#include "src/sql/group_binder.h"
#include "src/sql/parser.h"

namespace velaria::sql {

namespace {

// A plan and what its columns are called from outside.
struct BoundRelation {
  PlanPtr plan;
  NameScope scope;
};

class SelectBinder {
 public:
  SelectBinder(const TableResolver& resolver, std::string_view text)
      : resolver_(resolver), text_(text) {}

  PlanPtr bind(const SelectStatement& statement) {
    const auto outer_tables = common_tables_;
    bind_common_tables(statement);
    PlanPtr plan = bind_query(statement);
    common_tables_ = outer_tables;
    return plan;
  }

 private:
  [[noreturn]] void fail(ErrorKind kind, const std::string& message, int64_t position) const {
    throw Error(kind, position < 0 ? message : message + "\n" + point_at(text_, position));
  }
  [[noreturn]] void unsupported(const std::string& what, int64_t position) const {
    fail(ErrorKind::kSqlUnsupported, what, position);
  }

  template <typename Binder>
  void locate(Binder& binder) const {
    binder.set_locator([text = text_](int64_t position) { return point_at(text, position); });
  }

  void bind_common_tables(const SelectStatement& statement) {
    if (statement.recursive) unsupported("WITH RECURSIVE is not supported", statement.position);
    for (const CommonTable& table : statement.with) {
      PlanPtr plan = bind(*table.query);
      plan = rename_columns(plan, table.column_aliases, table.position);
      common_tables_[to_lower_ascii(table.name)] = std::move(plan);
    }
  }

  PlanPtr bind_query(const SelectStatement& statement) {
    if (statement.set_operation != SetOperation::kNone) {
      unsupported("UNION, INTERSECT and EXCEPT are not supported", statement.position);
    }
    if (!statement.windows.empty())
      unsupported("WINDOW definitions are not supported", statement.position);
    if (statement.qualify) unsupported("QUALIFY is not supported", statement.qualify->position);
    if (statement.hybrid_search) {
      unsupported("HYBRID SEARCH is not supported; call vector_search() on the session",
                  statement.hybrid_search->position);
    }
    if (!statement.distinct_on.empty()) {
      unsupported("DISTINCT ON is not supported; use GROUP BY with min() or max()",
                  statement.distinct_on[0]->position);
    }
    if (!statement.values.empty()) {
      return bind_order_and_limit(statement,
                                  values_relation(statement.values, statement.position).plan);
    }
    return bind_select_body(statement);
  }

  // ---- FROM

  BoundRelation bind_from(const TableRefPtr& from) {
    if (!from) return {ScanPlan::all_columns(resolver_.single_row(), ""), NameScope()};
    switch (from->kind) {
      case TableRef::Kind::kTable: return bind_table(*from);
      case TableRef::Kind::kSubquery: {
        PlanPtr plan = rename_columns(bind(*from->subquery), from->column_aliases, from->position);
        return {plan, NameScope::of(plan->schema(), from->alias)};
      }
      case TableRef::Kind::kValues: {
        BoundRelation relation = values_relation(from->values, from->position);
        relation.plan = rename_columns(relation.plan, from->column_aliases, from->position);
        relation.scope = NameScope::of(relation.plan->schema(), from->alias);
        return relation;
      }
      case TableRef::Kind::kJoin: unsupported("joins are not supported", from->position);
      case TableRef::Kind::kFunction:
        unsupported(concat("the table function ", from->name, "() is not supported"),
                    from->position);
    }
    VELARIA_CHECK(false);
    return {};
  }

  BoundRelation bind_table(const TableRef& table) {
    PlanPtr plan;
    const auto common = common_tables_.find(to_lower_ascii(table.name));
    try {
      if (table.is_path) {
        plan = resolver_.resolve_path(table.name);
      } else {
        plan =
            common != common_tables_.end() ? common->second : resolver_.resolve_table(table.name);
      }
    } catch (const Error& error) {
      const bool placed = error.message().find('\n') != std::string::npos;
      if (placed ||
          (error.kind() != ErrorKind::kCatalog && error.kind() != ErrorKind::kTableKind)) {
        throw;
      }
      fail(error.kind(), error.message(), table.position);
    }
    plan = rename_columns(plan, table.column_aliases, table.position);
    const std::string qualifier = table.alias.empty() ? table.name : table.alias;
    return {plan, NameScope::of(plan->schema(), qualifier)};
  }

  PlanPtr rename_columns(const PlanPtr& plan, const std::vector<std::string>& names,
                         int64_t position) const {
    if (names.empty()) return plan;
    const Schema& schema = plan->schema();
    if (names.size() > schema.size()) {
      fail(
          ErrorKind::kSqlSemantic,
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

  BoundRelation values_relation(const std::vector<std::vector<ExpressionPtr>>& rows,
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
      for (size_t c = 0; c < width; ++c) {
        bound.back().push_back(binder.bind(*row[c]));
        const auto common = common_type(types[c], bound.back()[c]->type);
        if (!common) {
          fail(ErrorKind::kTypeMismatch,
               concat("column ", c + 1, " of VALUES mixes ", types[c].to_string(), " and ",
                      bound.back()[c]->type.to_string(), "; cast them to one type"),
               row[c]->position);
        }
        types[c] = *common;
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

  // ---- SELECT

  PlanPtr bind_select_body(const SelectStatement& statement) {
    BoundRelation input = bind_from(statement.from);
    if (statement.where) {
      ExpressionBinder binder(input.scope);
      locate(binder);
      input.plan = std::make_shared<FilterPlan>(input.plan,
                                                bind_condition(binder, *statement.where, "WHERE"));
    }
    if (statement.time_window) add_time_window(*statement.time_window, &input);

    const std::vector<SelectItem> items = expand_stars(statement, input.scope);
    const bool grouped =
        !statement.group_by.empty() || statement.group_by_all || statement.having ||
        std::any_of(items.begin(), items.end(),
                    [](const SelectItem& item) { return contains_aggregate(*item.expression); }) ||
        std::any_of(statement.order_by.begin(), statement.order_by.end(),
                    [](const SortKey& key) { return contains_aggregate(*key.expression); });

    Projection projection;
    if (grouped) {
      bind_grouped(statement, items, input, &projection);
    } else {
      ExpressionBinder binder(input.scope);
      locate(binder);
      for (const SelectItem& item : items) projection.add(binder.bind(*item.expression), item);
      bind_sort_keys(statement, items, binder, &projection);
      projection.input = input.plan;
    }
    return finish(statement, std::move(projection));
  }

  // What the select list gives, and behind it columns that only ORDER BY needs.
  struct Projection {
    PlanPtr input;
    std::vector<BoundExpressionPtr> expressions;
    std::vector<std::string> names;
    size_t visible = 0;
    std::vector<SortItem> sort_items;

    void add(BoundExpressionPtr expression, const SelectItem& item) {
      expressions.push_back(std::move(expression));
      names.push_back(!item.alias.empty() ? item.alias
                                          : (item.expression->kind == ExpressionKind::kColumn
                                                 ? expressions.back()->name
                                                 : item.expression->to_string()));
      visible = expressions.size();
    }
  };

  void add_time_window(const TimeWindowClause& clause, BoundRelation* input) const {
    ExpressionBinder binder(input->scope);
    locate(binder);
    const BoundExpressionPtr time = binder.bind(*clause.time);
    if (time->kind != BoundKind::kColumn || time->type.id() != TypeId::kTimestamp) {
      fail(
          ErrorKind::kTypeMismatch,
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

  std::vector<SelectItem> expand_stars(const SelectStatement& statement,
                                       const NameScope& scope) const {
    std::vector<SelectItem> out;
    for (const SelectItem& item : statement.items) {
      if (item.expression->kind != ExpressionKind::kStar) {
        out.push_back(item);
        continue;
      }
      const std::string& qualifier = item.expression->qualifier;
      const size_t before = out.size();
      for (const ScopeColumn& column : scope.columns()) {
        if (!qualifier.empty() && !equals_ignore_case(qualifier, column.qualifier)) continue;
        auto reference = std::make_shared<Expression>();
        reference->kind = ExpressionKind::kColumn;
        reference->name = column.name;
        reference->quoted = true;
        reference->qualifier = column.qualifier;
        reference->position = item.expression->position;
        out.push_back({reference, "", item.position});
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
  const Expression& group_expression(const ExpressionPtr& written,
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

  std::optional<size_t> item_position(const Expression& expression, size_t items,
                                      std::string_view clause) const {
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

  void bind_grouped(const SelectStatement& statement, const std::vector<SelectItem>& items,
                    const BoundRelation& input, Projection* projection) const {
    ExpressionBinder input_binder(input.scope);
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
      key_names.push_back(expression.kind == ExpressionKind::kColumn ? keys.back()->name
                                                                     : expression.to_string());
    };
    for (const ExpressionPtr& written : statement.group_by) {
      add_key(group_expression(written, items, input.scope));
    }
    if (statement.group_by_all) {
      for (const SelectItem& item : items) {
        if (!contains_aggregate(*item.expression)) add_key(*item.expression);
      }
    }
    GroupBinder binder(input.scope, keys);
    locate(binder);
    for (const SelectItem& item : items) projection->add(binder.bind(*item.expression), item);
    BoundExpressionPtr having;
    if (statement.having) having = bind_condition(binder, *statement.having, "HAVING");
    bind_sort_keys(statement, items, binder, projection);
    // Only now are all aggregates known.
    projection->input =
        std::make_shared<AggregatePlan>(input.plan, keys, key_names, binder.take_aggregates());
    if (having) projection->input = std::make_shared<FilterPlan>(projection->input, having);
  }

  // ORDER BY: an item's position, an item's alias, or any expression the select list could have.
  void bind_sort_keys(const SelectStatement& statement, const std::vector<SelectItem>& items,
                      ExpressionBinder& binder, Projection* projection) const {
    for (const SortKey& key : statement.order_by) {
      size_t column = projection->expressions.size();
      if (const auto position = item_position(*key.expression, items.size(), "ORDER BY")) {
        column = *position;
      } else if (const auto aliased = item_of_alias(*key.expression, items)) {
        column = *aliased;
      } else {
        const BoundExpressionPtr bound = binder.bind(*key.expression);
        column = 0;
        while (column < projection->expressions.size() &&
               !same_expression(*projection->expressions[column], *bound)) {
          ++column;
        }
        if (column == projection->expressions.size()) {
          if (statement.distinct) {
            fail(ErrorKind::kSqlSemantic,
                 concat("ORDER BY ", key.expression->to_string(),
                        " is not in the select list, which SELECT DISTINCT needs"),
                 key.expression->position);
          }
          projection->expressions.push_back(bound);
          projection->names.push_back(concat("order by ", key.expression->to_string()));
        }
      }
      projection->sort_items.push_back({column, key.descending, key.nulls_first.value_or(false)});
    }
  }

  static std::optional<size_t> item_of_alias(const Expression& expression,
                                             const std::vector<SelectItem>& items) {
    if (expression.kind != ExpressionKind::kColumn || !expression.qualifier.empty()) {
      return std::nullopt;
    }
    for (size_t i = 0; i < items.size(); ++i) {
      if (!items[i].alias.empty() && equals_ignore_case(items[i].alias, expression.name)) return i;
    }
    return std::nullopt;
  }

  PlanPtr finish(const SelectStatement& statement, Projection projection) const {
    // A bare NULL has no type to give out: it becomes text.
    for (BoundExpressionPtr& expression : projection.expressions) {
      if (expression->type.is_null()) expression = bound_cast(expression, DataType(TypeId::kUtf8));
    }
    const size_t visible = projection.visible;
    PlanPtr plan =
        std::make_shared<ProjectPlan>(projection.input, projection.expressions, projection.names);
    if (statement.distinct) {
      std::vector<BoundExpressionPtr> keys;
      for (size_t i = 0; i < visible; ++i) {
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

  void check_sortable(const LogicalPlan& plan, const std::vector<SortItem>& items,
                      const SelectStatement& statement) const {
    for (size_t i = 0; i < items.size(); ++i) {
      if (plan.schema().field(items[i].column).type.is_vector()) {
        fail(ErrorKind::kTypeMismatch, "ORDER BY a vector is not possible",
             statement.order_by[i].expression->position);
      }
    }
  }

  // ORDER BY and LIMIT over a relation that has only its columns (VALUES).
  PlanPtr bind_order_and_limit(const SelectStatement& statement, PlanPtr plan) const {
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
          unsupported("ORDER BY of VALUES takes a column or its position",
                      key.expression->position);
        }
        column = bound->column;
      }
      sort_items.push_back({column, key.descending, key.nulls_first.value_or(false)});
    }
    if (!sort_items.empty()) plan = std::make_shared<SortPlan>(plan, std::move(sort_items));
    return with_limit(statement, std::move(plan));
  }

  PlanPtr with_limit(const SelectStatement& statement, PlanPtr plan) const {
    const auto limit = row_count(statement.limit, "LIMIT");
    const auto offset = row_count(statement.offset, "OFFSET");
    if (!limit && !offset) return plan;
    return std::make_shared<LimitPlan>(std::move(plan), limit, offset.value_or(0));
  }

  // A whole number known before the query runs; NULL means none.
  std::optional<int64_t> row_count(const ExpressionPtr& expression, const char* clause) const {
    if (!expression) return std::nullopt;
    const NameScope no_columns;
    ExpressionBinder binder(no_columns);
    locate(binder);
    const BoundExpressionPtr bound = fold_constants(binder.bind(*expression));
    if (bound->is_constant() && bound->constant.is_null()) return std::nullopt;
    if (!bound->is_constant() || !bound->type.is_signed_integer() ||
        bound->constant.as_int64() < 0) {
      fail(ErrorKind::kSqlSemantic,
           concat(clause, " ", excerpt(expression->to_string(), 80),
                  ": a whole number of 0 or more is needed"),
           expression->position);
    }
    return bound->constant.as_int64();
  }

  const TableResolver& resolver_;
  std::string_view text_;
  std::map<std::string, PlanPtr> common_tables_;
};

}  // namespace

PlanPtr bind_select(const SelectStatement& statement, const TableResolver& resolver,
                    std::string_view text) {
  return SelectBinder(resolver, text).bind(statement);
}

}  // namespace velaria::sql
