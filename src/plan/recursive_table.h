// A table that WITH RECURSIVE defines: first rows, and next rows computed from those of the step
// before, until there are none.
//
// A plan reads it by a ScanPlan like any other source. It has no rows of its own: before a query
// runs, with_recursive_tables() puts in its place what the steps gave.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "src/plan/logical_plan.h"

namespace velaria {

// Stands in the plan of the next rows for the rows of the step before.
class WorkingTableSource : public TableSource {
 public:
  WorkingTableSource(Schema schema, std::string name)
      : schema_(std::move(schema)), name_(std::move(name)) {}
  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return "rows of the step before"; }
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override;  // refused

 private:
  Schema schema_;
  std::string name_;
};

class RecursiveTableSource : public TableSource {
 public:
  // `next` reads `working`; all three have one schema. `distinct`: a row that was there before is
  // no new row.
  RecursiveTableSource(std::string name, PlanPtr first, PlanPtr next,
                       std::shared_ptr<const WorkingTableSource> working, bool distinct);
  const Schema& schema() const override { return first_->schema(); }
  std::string describe() const override;
  // Refused: a stream query, say, reads it as it stands.
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override;

  const std::string& name() const { return name_; }
  const PlanPtr& first() const { return first_; }
  const PlanPtr& next() const { return next_; }
  const std::shared_ptr<const WorkingTableSource>& working() const { return working_; }
  bool distinct() const { return distinct_; }

 private:
  std::string name_;
  PlanPtr first_;
  PlanPtr next_;
  std::shared_ptr<const WorkingTableSource> working_;
  bool distinct_;
};

// Whether a part of `plan` reads `source`, also inside of recursive tables.
bool reads_source(const LogicalPlan& plan, const TableSource& source);

// `plan` reading `rows` where it reads `source`, also inside of recursive tables.
PlanPtr replace_source(const PlanPtr& plan, const TableSource& source, const TableSourcePtr& rows);

// Every recursive table of `plan` replaced by what `run` makes of it, once for all places that read
// it. Gives `plan` itself when there is none.
PlanPtr with_recursive_tables(
    const PlanPtr& plan, const std::function<TableSourcePtr(const RecursiveTableSource&)>& run);

// The recursive tables that `plan` reads, each once; not those inside of others.
void visit_recursive_tables(const LogicalPlan& plan,
                            const std::function<void(const RecursiveTableSource&)>& f);

}  // namespace velaria
