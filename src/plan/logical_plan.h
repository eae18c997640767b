// What a query computes: an immutable tree. SQL and frame verbs both end here; the optimizer
// rewrites it; the physical planner reads it.
//
// Expressions inside a node refer to the columns of its child by position. Every node knows its
// schema and its line of explain text. Nothing here knows threads, files or algorithms.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/column/schema.h"
#include "src/expr/aggregate.h"
#include "src/expr/bound_expression.h"
#include "src/expr/window_function.h"
#include "src/plan/table_source.h"
#include "src/similarity/metric.h"

namespace velaria {

enum class PlanKind {
  kScan,
  kFilter,
  kProject,
  kTimeWindow,
  kAggregate,
  kSort,
  kLimit,
  kTopN,
  kVectorTopK,
  kJoin,
  kWindow,
  kUnionAll,
  kShared,
};

class LogicalPlan;
using PlanPtr = std::shared_ptr<const LogicalPlan>;

// Plans grow by every verb, join, view and use of a WITH table, and every walk over one goes as
// deep as it is: the bounds keep a program's loop from ending the process or the day.
inline constexpr size_t kMaxPlanDepth = 2000;
inline constexpr size_t kMaxPlanNodeCount = 100'000;

class LogicalPlan {
 public:
  virtual ~LogicalPlan() = default;
  PlanKind kind() const { return kind_; }
  const Schema& schema() const { return schema_; }
  const std::vector<PlanPtr>& children() const { return children_; }
  const PlanPtr& child() const { return children_[0]; }  // of a node with one child
  // "Filter distance > 500"
  virtual std::string describe() const = 0;
  // The same node over other children of the same schemas.
  virtual PlanPtr with_children(std::vector<PlanPtr> children) const = 0;

 protected:
  // Throws SqlUnsupportedError beyond the bounds above.
  LogicalPlan(PlanKind kind, Schema schema, std::vector<PlanPtr> children);

 private:
  PlanKind kind_;
  size_t depth_ = 1;
  size_t node_count_ = 1;  // parts that are used twice count twice
  Schema schema_;
  std::vector<PlanPtr> children_;
};

// Some columns of a source.
class ScanPlan : public LogicalPlan {
 public:
  // `name`: what the query calls the source, for explain.
  ScanPlan(TableSourcePtr source, std::string name, std::vector<size_t> columns);
  static PlanPtr all_columns(TableSourcePtr source, std::string name);
  const TableSourcePtr& source() const { return source_; }
  const std::string& name() const { return name_; }
  const std::vector<size_t>& columns() const { return columns_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  TableSourcePtr source_;
  std::string name_;
  std::vector<size_t> columns_;
};

class FilterPlan : public LogicalPlan {
 public:
  FilterPlan(PlanPtr child, BoundExpressionPtr condition);
  const BoundExpressionPtr& condition() const { return condition_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  BoundExpressionPtr condition_;
};

class ProjectPlan : public LogicalPlan {
 public:
  ProjectPlan(PlanPtr child, std::vector<BoundExpressionPtr> expressions,
              std::vector<std::string> names);
  const std::vector<BoundExpressionPtr>& expressions() const { return expressions_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  std::vector<BoundExpressionPtr> expressions_;
};

// Adds a column with the start of each window that covers the row's time; with slide < width a row
// comes out once per covering window. Rows without a time are in no window and are dropped.
constexpr int64_t kMostWindowsPerRow = 4096;  // more repetitions of a row are a mistake in units
struct TimeWindow {
  size_t time_column = 0;
  int64_t width_ms = 0;
  int64_t slide_ms = 0;
  std::string output_column;
};
class TimeWindowPlan : public LogicalPlan {
 public:
  TimeWindowPlan(PlanPtr child, TimeWindow window);
  const TimeWindow& window() const { return window_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  TimeWindow window_;
};

// Output: the keys, then the aggregates. Without keys: exactly one row.
class AggregatePlan : public LogicalPlan {
 public:
  AggregatePlan(PlanPtr child, std::vector<BoundExpressionPtr> keys,
                std::vector<std::string> key_names, std::vector<BoundAggregate> aggregates);
  const std::vector<BoundExpressionPtr>& keys() const { return keys_; }
  const std::vector<BoundAggregate>& aggregates() const { return aggregates_; }
  std::vector<std::string> key_names() const;
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  std::vector<BoundExpressionPtr> keys_;
  std::vector<BoundAggregate> aggregates_;
};

struct SortItem {
  size_t column = 0;
  bool descending = false;
  bool nulls_first = false;
};
std::string describe_sort_items(const std::vector<SortItem>& items, const Schema& schema);

// Ties keep the input's order.
class SortPlan : public LogicalPlan {
 public:
  SortPlan(PlanPtr child, std::vector<SortItem> items);
  const std::vector<SortItem>& items() const { return items_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  std::vector<SortItem> items_;
};

class LimitPlan : public LogicalPlan {
 public:
  LimitPlan(PlanPtr child, std::optional<int64_t> limit, int64_t offset);
  std::optional<int64_t> limit() const { return limit_; }
  int64_t offset() const { return offset_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  std::optional<int64_t> limit_;
  int64_t offset_;
};

// Sort and limit in one, keeping only limit + offset rows at a time. Made by the optimizer.
class TopNPlan : public LogicalPlan {
 public:
  TopNPlan(PlanPtr child, std::vector<SortItem> items, int64_t limit, int64_t offset);
  const std::vector<SortItem>& items() const { return items_; }
  int64_t limit() const { return limit_; }
  int64_t offset() const { return offset_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  std::vector<SortItem> items_;
  int64_t limit_;
  int64_t offset_;
};

// The rows nearest to a query vector, best first, equal ones in the order of the input: the child's
// columns and one more with the score. From HYBRID SEARCH, or made by the optimizer of ORDER BY a
// distance LIMIT k.
struct VectorTopK {
  size_t vector_column = 0;
  Metric metric = Metric::kCosine;
  // The score is cosine similarity instead of cosine distance; the ranks are the same.
  bool similarity = false;
  std::vector<float> query;  // finite numbers, as many as the column's dimension
  int64_t limit = 0;
  int64_t offset = 0;
  // Rows without a vector or with NaN for a score are left out. Else they take their places as in
  // ORDER BY: NULL behind all others, NaN above every number.
  bool leave_out_unscored = false;
  // Rows that score worse are left out.
  std::optional<double> score_threshold;
  std::string score_name;
};
class VectorTopKPlan : public LogicalPlan {
 public:
  VectorTopKPlan(PlanPtr child, VectorTopK top);
  const VectorTopK& top() const { return top_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  VectorTopK top_;
};

// kInner, kLeft, kRight, kFull: left columns, then right columns; NULLs where a side has no match.
// kSingle is kLeft, but a left row with two matches is an error: scalar subqueries.
// kSemi, kAnti: left rows with or without a match; kRightSemi, kRightAnti: the same of right rows.
// kMark: left columns and a boolean, whether there is a match.
enum class JoinType {
  kInner,
  kLeft,
  kRight,
  kFull,
  kSemi,
  kAnti,
  kRightSemi,
  kRightAnti,
  kMark,
  kSingle,
};
std::string_view join_type_name(JoinType type);

struct JoinKey {
  BoundExpressionPtr left;   // over the left child's columns
  BoundExpressionPtr right;  // over the right child's, of the same type
  bool null_equals_null = false;
};

// Rows match when all keys are equal and `condition` (over left columns, then right columns) is
// true. Rows come out in the order of the left side, each with its matches in the order of the
// right one; right rows without a match, and all rows of kRightSemi and kRightAnti, in the order of
// the right side, after everything else.
class JoinPlan : public LogicalPlan {
 public:
  // `null_aware`: kMark and kAnti of x [NOT] IN (subquery), with one key and no condition. The mark
  // is NULL where SQL says so, and kAnti keeps only rows for which NOT IN is true. `mark_name`: of
  // kMark's column.
  JoinPlan(PlanPtr left, PlanPtr right, JoinType type, std::vector<JoinKey> keys,
           BoundExpressionPtr condition, bool null_aware = false, std::string mark_name = "");
  const PlanPtr& left() const { return children()[0]; }
  const PlanPtr& right() const { return children()[1]; }
  JoinType type() const { return type_; }
  const std::vector<JoinKey>& keys() const { return keys_; }
  const BoundExpressionPtr& condition() const { return condition_; }  // may be null
  bool null_aware() const { return null_aware_; }
  std::string mark_name() const;
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  JoinType type_;
  std::vector<JoinKey> keys_;
  BoundExpressionPtr condition_;
  bool null_aware_;
};
// Whether the columns of a side are among the output's.
bool gives_left_columns(JoinType type);
bool gives_right_columns(JoinType type);

// The child's rows and columns, in the child's order, and one more column for each function.
class WindowPlan : public LogicalPlan {
 public:
  WindowPlan(PlanPtr child, std::vector<BoundExpressionPtr> partition_by,
             std::vector<BoundSortKey> order_by, std::vector<BoundWindowFunction> functions);
  const std::vector<BoundExpressionPtr>& partition_by() const { return partition_by_; }
  const std::vector<BoundSortKey>& order_by() const { return order_by_; }
  const std::vector<BoundWindowFunction>& functions() const { return functions_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  std::vector<BoundExpressionPtr> partition_by_;
  std::vector<BoundSortKey> order_by_;
  std::vector<BoundWindowFunction> functions_;
};

// The rows of all children one after the other; they have the same types. Names are the first's.
class UnionAllPlan : public LogicalPlan {
 public:
  explicit UnionAllPlan(std::vector<PlanPtr> children);
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;
};

// A part of a plan that several places read, computed once: all SharedPlans of one number have
// equal children. Each place has its own names. Made by the optimizer.
class SharedPlan : public LogicalPlan {
 public:
  SharedPlan(PlanPtr child, size_t number, const std::vector<std::string>& names);
  size_t number() const { return number_; }
  std::string describe() const override;
  PlanPtr with_children(std::vector<PlanPtr> children) const override;

 private:
  size_t number_;
};

// Every expression of the node itself (not of its children).
void visit_expressions(const LogicalPlan& plan,
                       const std::function<void(const BoundExpression&)>& f);
// The same node with every expression replaced by one of the same type.
PlanPtr map_expressions(const PlanPtr& plan,
                        const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& f);

// One line a node, children indented below: the explain text of a plan. What lies below a shared
// node is shown at its first place only.
std::string explain_plan(const LogicalPlan& plan);

// False when some source below has no end.
bool is_bounded(const LogicalPlan& plan);

// Whether the plan has a node of this kind, and the first one found from the top.
const LogicalPlan* find_node(const LogicalPlan& plan, PlanKind kind);

}  // namespace velaria
