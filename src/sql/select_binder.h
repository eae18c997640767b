// One SELECT, with what it knows of the queries around it. The files
// from_binder.cc (FROM), set_operation_binder.cc and select_binder.cc (the rest) share it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/expr/binder.h"
#include "src/plan/logical_plan.h"
#include "src/plan/table_resolver.h"
#include "src/sql/ast.h"
#include "src/sql/grouping_sets.h"
#include "src/sql/source_position.h"

namespace velaria::sql {

class ExpressionContext;
class WindowBinder;

// A plan and what its columns are called: scope column i is plan column i, and the plan may have
// further columns behind them.
struct BoundRelation {
  PlanPtr plan;
  NameScope scope;
};

class SelectBinder {
 public:
  // `text`: for the places in errors.
  SelectBinder(const TableResolver& resolver, std::string_view text,
               std::optional<int64_t> statement_time_us)
      : resolver_(resolver), text_(text), statement_time_us_(statement_time_us) {}

  PlanPtr bind(const SelectStatement& statement);

  // A subquery whose nearest outer columns are those of `scope`. Its plan has them as outer columns
  // of level 1.
  PlanPtr bind_inner(const SelectStatement& statement, const NameScope& scope) const;
  // A column of a query around this one; null when there is none of that name.
  BoundExpressionPtr outer_column(const Expression& column) const;

 private:
  SelectBinder(const SelectBinder& around, const NameScope& scope)
      : resolver_(around.resolver_),
        text_(around.text_),
        statement_time_us_(around.statement_time_us_),
        around_(&around),
        outer_scope_(&scope) {}

  [[noreturn]] void fail(ErrorKind kind, const std::string& message, int64_t position) const;
  [[noreturn]] void unsupported(const std::string& what, int64_t position) const {
    fail(ErrorKind::kSqlUnsupported, what, position);
  }
  void locate(ExpressionBinder& binder) const;
  // Refuses a list, struct or map, which `clause` would compare.
  void require_comparable(const Field& field, std::string_view clause, int64_t position) const;

  void bind_common_tables(const SelectStatement& statement);
  // Null: its query does not read the table itself (recursive_binder.cc).
  PlanPtr bind_recursive_table(const CommonTable& table);
  // The plan of a common table, seen from this query; null when there is none of that name.
  PlanPtr common_table(const std::string& name) const;
  // `keep_null_types`: a bare NULL stays without a type, which a set operation then finds.
  PlanPtr bind_query(const SelectStatement& statement, bool keep_null_types);

  // ---- FROM (from_binder.cc)
  BoundRelation bind_from(const TableRefPtr& from);
  BoundRelation bind_table(const TableRef& table);
  BoundRelation bind_table_function(const TableRef& function) const;
  BoundRelation bind_derived_table(const TableRef& table, const NameScope* lateral_scope);
  BoundRelation bind_join(const TableRef& join);
  BoundRelation bind_lateral_join(const TableRef& join, BoundRelation left);
  BoundRelation join_relations(const TableRef& join, BoundRelation left, BoundRelation right);
  BoundRelation join_using(const TableRef& join, const BoundRelation& left,
                           const BoundRelation& right, const std::vector<std::string>& names);
  std::vector<BoundExpressionPtr> bind_join_condition(const TableRef& join,
                                                      const NameScope& both) const;
  PlanPtr rename_columns(const PlanPtr& plan, const std::vector<std::string>& names,
                         int64_t position) const;
  BoundRelation values_relation(const std::vector<std::vector<ExpressionPtr>>& rows,
                                int64_t position) const;

  // ---- UNION, INTERSECT, EXCEPT (set_operation_binder.cc)
  PlanPtr bind_set_operation(const SelectStatement& statement, bool keep_null_types);
  void unify_columns(const SelectStatement& statement, PlanPtr* left, PlanPtr* right) const;
  void unify_types(const SelectStatement& statement, PlanPtr* left, PlanPtr* right) const;

  // ---- SELECT (select_binder.cc)

  // What the select list gives, and behind it columns that only ORDER BY needs.
  struct Projection {
    PlanPtr input;
    std::vector<BoundExpressionPtr> expressions;
    std::vector<std::string> names;
    size_t visible = 0;
    std::vector<SortItem> sort_items;
    std::vector<size_t> distinct_on;

    void add(BoundExpressionPtr expression, const SelectItem& item);
  };

  PlanPtr bind_select_body(const SelectStatement& statement, bool keep_null_types);
  void add_where(const Expression& where, BoundRelation* input) const;
  void add_time_window(const TimeWindowClause& clause, BoundRelation* input) const;
  void add_hybrid_search(const HybridSearchClause& clause, BoundRelation* input) const;
  std::vector<SelectItem> expand_stars(const SelectStatement& statement,
                                       const NameScope& scope) const;
  const Expression& group_expression(const ExpressionPtr& written,
                                     const std::vector<SelectItem>& items,
                                     const NameScope& scope) const;
  std::optional<size_t> item_position(const Expression& expression, size_t items,
                                      std::string_view clause) const;
  void bind_ungrouped(const SelectStatement& statement, const std::vector<SelectItem>& items,
                      const BoundRelation& input, Projection* projection) const;
  GroupingSets merge_equal_keys(const SelectStatement& statement,
                                std::vector<BoundExpressionPtr>* keys,
                                std::vector<std::string>* key_names) const;
  void bind_grouped(const SelectStatement& statement, const std::vector<SelectItem>& items,
                    const BoundRelation& input, Projection* projection) const;
  static void add_windows(const ExpressionContext& context, WindowBinder* windows,
                          const BoundExpressionPtr& qualify, Projection* projection);
  BoundExpressionPtr bind_qualify(const SelectStatement& statement,
                                  const std::vector<SelectItem>& items, const NameScope& scope,
                                  ExpressionBinder& binder) const;
  size_t projected_column(const ExpressionPtr& written, const std::vector<SelectItem>& items,
                          std::string_view clause, ExpressionBinder& binder,
                          Projection* projection) const;
  void bind_distinct_on(const SelectStatement& statement, const std::vector<SelectItem>& items,
                        ExpressionBinder& binder, Projection* projection) const;
  PlanPtr keep_first_rows(const SelectStatement& statement, const Projection& projection,
                          const PlanPtr& plan) const;
  void bind_sort_keys(const SelectStatement& statement, const std::vector<SelectItem>& items,
                      ExpressionBinder& binder, Projection* projection) const;
  PlanPtr finish(const SelectStatement& statement, Projection projection,
                 bool keep_null_types) const;
  void check_sortable(const LogicalPlan& plan, const std::vector<SortItem>& items,
                      const SelectStatement& statement) const;
  PlanPtr bind_order_and_limit(const SelectStatement& statement, PlanPtr plan) const;
  PlanPtr with_limit(const SelectStatement& statement, PlanPtr plan) const;
  std::optional<int64_t> row_count(const ExpressionPtr& expression, const char* clause) const;

  const TableResolver& resolver_;
  std::string_view text_;
  std::optional<int64_t> statement_time_us_;
  const SelectBinder* around_ = nullptr;    // the query that this one is a subquery of
  const NameScope* outer_scope_ = nullptr;  // what its columns are called there
  std::map<std::string, PlanPtr> common_tables_;
};

}  // namespace velaria::sql
