// What a query computes: an immutable tree. SQL and frame verbs both end here; the optimizer
// rewrites it; the physical planner reads it.
//
// Expressions inside a node refer to the columns of its child by position. Every node knows its
// schema and its line of explain text. Nothing here knows threads, files or algorithms.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/column/schema.h"
#include "src/expr/aggregate.h"
#include "src/expr/bound_expression.h"
#include "src/plan/table_source.h"

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
};

class LogicalPlan;
using PlanPtr = std::shared_ptr<const LogicalPlan>;

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
  LogicalPlan(PlanKind kind, Schema schema, std::vector<PlanPtr> children)
      : kind_(kind), schema_(std::move(schema)), children_(std::move(children)) {}

 private:
  PlanKind kind_;
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

// One line a node, children indented below: the explain text of a plan.
std::string explain_plan(const LogicalPlan& plan);

// False when some source below has no end.
bool is_bounded(const LogicalPlan& plan);

// Whether the plan has a node of this kind, and the first one found from the top.
const LogicalPlan* find_node(const LogicalPlan& plan, PlanKind kind);

}  // namespace velaria
