// WITH RECURSIVE t AS (first rows UNION [ALL] next rows, which read t).
#include "src/base/text.h"
#include "src/plan/decorrelation/outer_columns.h"
#include "src/plan/recursive_table.h"
#include "src/sql/select_binder.h"

namespace velaria::sql {

namespace {

bool names_table(const TableRefPtr& table, const std::string& name);

bool names_table(const Expression& expression, const std::string& name);

bool names_table(const SelectStatement& query, const std::string& name) {
  const auto in = [&](const ExpressionPtr& e) { return e && names_table(*e, name); };
  for (const CommonTable& inner : query.with) {
    if (equals_ignore_case(inner.name, name)) return false;  // hides it
  }
  for (const CommonTable& inner : query.with) {
    if (names_table(*inner.query, name)) return true;
  }
  if (query.left && names_table(*query.left, name)) return true;
  if (query.right && names_table(*query.right, name)) return true;
  if (names_table(query.from, name) || in(query.where) || in(query.having) || in(query.qualify)) {
    return true;
  }
  for (const SelectItem& item : query.items) {
    if (in(item.expression)) return true;
  }
  for (const SortKey& key : query.order_by) {
    if (in(key.expression)) return true;
  }
  return false;
}

bool names_table(const Expression& expression, const std::string& name) {
  if (expression.subquery &&
      names_table(static_cast<const SelectStatement&>(*expression.subquery), name)) {
    return true;
  }
  for (const ExpressionPtr& child : expression.children) {
    if (names_table(*child, name)) return true;
  }
  return false;
}

bool names_table(const TableRefPtr& table, const std::string& name) {
  if (!table) return false;
  if (table->kind == TableRef::Kind::kTable && !table->is_path &&
      equals_ignore_case(table->name, name)) {
    return true;
  }
  return (table->subquery && names_table(*table->subquery, name)) ||
         names_table(table->left, name) || names_table(table->right, name) ||
         (table->on && names_table(*table->on, name));
}

}  // namespace

PlanPtr SelectBinder::bind_recursive_table(const CommonTable& table) {
  const SelectStatement& query = *table.query;
  if (!names_table(query, table.name)) return nullptr;
  const bool distinct = query.set_operation == SetOperation::kUnion;
  if ((!distinct && query.set_operation != SetOperation::kUnionAll) ||
      names_table(*query.left, table.name)) {
    fail(ErrorKind::kSqlSemantic,
         concat("the recursive table '", excerpt(table.name),
                "' must be two queries: its first rows, which do not read it, then UNION or UNION "
                "ALL and the next rows, which do"),
         table.position);
  }
  if (!query.order_by.empty() || query.limit || query.offset) {
    fail(ErrorKind::kSqlUnsupported,
         concat("ORDER BY, LIMIT and OFFSET of the recursive table '", excerpt(table.name),
                "' are not supported; write them in the query that reads it"),
         table.position);
  }
  const auto outer_tables = common_tables_;
  bind_common_tables(query);
  PlanPtr first = rename_columns(bind(*query.left), table.column_aliases, table.position);
  const auto working = std::make_shared<WorkingTableSource>(first->schema(), table.name);
  common_tables_[to_lower_ascii(table.name)] = ScanPlan::all_columns(working, table.name);
  PlanPtr next = bind(*query.right);
  common_tables_ = outer_tables;
  if (has_outer_columns(*first) || has_outer_columns(*next)) {
    fail(ErrorKind::kSqlUnsupported,
         concat("the recursive table '", excerpt(table.name),
                "' reads a column of a query around it, which is not supported; join with it "
                "instead"),
         table.position);
  }
  const Schema& schema = first->schema();
  if (next->schema().size() != schema.size()) {
    fail(ErrorKind::kSqlSemantic,
         concat("the recursive table '", excerpt(table.name), "' has ", schema.size(),
                " columns in its first rows and ", next->schema().size(), " in the next ones"),
         table.position);
  }
  std::vector<BoundExpressionPtr> columns;
  for (size_t i = 0; i < schema.size(); ++i) {
    const Field& wanted = schema.field(i);
    const Field& given = next->schema().field(i);
    if (common_type(wanted.type, given.type) != wanted.type) {
      fail(ErrorKind::kTypeMismatch,
           concat("column '", excerpt(wanted.name), "' of the recursive table '",
                  excerpt(table.name), "' is ", wanted.type.to_string(), " in its first rows and ",
                  given.type.to_string(), " in the next ones; cast the first to the wider type"),
           table.position);
    }
    if (distinct && wanted.type.is_vector()) {
      fail(ErrorKind::kTypeMismatch, "UNION over a vector is not possible; use UNION ALL",
           table.position);
    }
    if (distinct && wanted.type.is_nested()) {
      fail(ErrorKind::kTypeMismatch, nested_refusal("UNION without ALL", wanted.name, wanted.type),
           table.position);
    }
    columns.push_back(bound_cast(bound_column(i, given.type, given.name), wanted.type));
  }
  next = std::make_shared<ProjectPlan>(next, std::move(columns), schema.names());
  return ScanPlan::all_columns(
      std::make_shared<RecursiveTableSource>(table.name, std::move(first), std::move(next), working,
                                             distinct),
      table.name);
}

}  // namespace velaria::sql
