#include "src/plan/recursive_table.h"

#include <map>
#include <set>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/plan/scan_replacement.h"

namespace velaria {

namespace {

const RecursiveTableSource* recursive_table(const LogicalPlan& plan) {
  if (plan.kind() != PlanKind::kScan) return nullptr;
  return dynamic_cast<const RecursiveTableSource*>(
      static_cast<const ScanPlan&>(plan).source().get());
}

}  // namespace

std::unique_ptr<TableScan> WorkingTableSource::scan(const ScanRequest&) const {
  throw Error(ErrorKind::kInternal,
              concat("the recursive table '", excerpt(name_), "' was read outside of its steps"));
}

RecursiveTableSource::RecursiveTableSource(std::string name, PlanPtr first, PlanPtr next,
                                           std::shared_ptr<const WorkingTableSource> working,
                                           bool distinct)
    : name_(std::move(name)),
      first_(std::move(first)),
      next_(std::move(next)),
      working_(std::move(working)),
      distinct_(distinct) {}

std::string RecursiveTableSource::describe() const {
  return distinct_ ? "recursive, different rows" : "recursive";
}

std::unique_ptr<TableScan> RecursiveTableSource::scan(const ScanRequest&) const {
  throw Error(ErrorKind::kSqlUnsupported,
              concat("the recursive table '", excerpt(name_),
                     "' cannot be read by a stream query; keep its rows first: CREATE TABLE t AS "
                     "WITH RECURSIVE ..."));
}

bool reads_source(const LogicalPlan& plan, const TableSource& source) {
  if (plan.kind() == PlanKind::kScan) {
    if (static_cast<const ScanPlan&>(plan).source().get() == &source) return true;
    const RecursiveTableSource* inner = recursive_table(plan);
    return inner != nullptr &&
           (reads_source(*inner->first(), source) || reads_source(*inner->next(), source));
  }
  for (const PlanPtr& child : plan.children()) {
    if (reads_source(*child, source)) return true;
  }
  return false;
}

PlanPtr replace_source(const PlanPtr& plan, const TableSource& source, const TableSourcePtr& rows) {
  ScanReplacement replacement([&](const ScanPlan& scan) -> TableSourcePtr {
    if (scan.source().get() == &source) return rows;
    const RecursiveTableSource* inner = recursive_table(scan);
    if (inner == nullptr || !reads_source(scan, source)) return nullptr;
    return std::make_shared<RecursiveTableSource>(
        inner->name(), replace_source(inner->first(), source, rows),
        replace_source(inner->next(), source, rows), inner->working(), inner->distinct());
  });
  return replacement.replace(plan);
}

PlanPtr with_recursive_tables(
    const PlanPtr& plan, const std::function<TableSourcePtr(const RecursiveTableSource&)>& run) {
  std::map<const RecursiveTableSource*, TableSourcePtr> known;
  ScanReplacement replacement([&](const ScanPlan& scan) -> TableSourcePtr {
    const RecursiveTableSource* table = recursive_table(scan);
    if (table == nullptr) return nullptr;
    TableSourcePtr& rows = known[table];
    if (!rows) rows = run(*table);
    return rows;
  });
  return replacement.replace(plan);
}

void visit_recursive_tables(const LogicalPlan& plan,
                            const std::function<void(const RecursiveTableSource&)>& f) {
  std::set<const RecursiveTableSource*> seen;
  const std::function<void(const LogicalPlan&)> visit = [&](const LogicalPlan& node) {
    const RecursiveTableSource* table = recursive_table(node);
    if (table != nullptr && seen.insert(table).second) f(*table);
    for (const PlanPtr& child : node.children()) visit(*child);
  };
  visit(plan);
}

}  // namespace velaria
