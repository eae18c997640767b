#include "src/plan/snapshot.h"

#include <map>

#include "src/plan/recursive_table.h"

namespace velaria {

namespace {

class Snapshots {
 public:
  PlanPtr replace(const PlanPtr& plan) {
    // A common table is one node in several places, and stays one.
    const auto known = plans_.find(plan.get());
    if (known != plans_.end()) return known->second;
    PlanPtr out = plan->kind() == PlanKind::kScan ? replace_scan(plan) : replace_children(plan);
    plans_.emplace(plan.get(), out);
    return out;
  }

 private:
  PlanPtr replace_scan(const PlanPtr& plan) {
    const auto& scan = static_cast<const ScanPlan&>(*plan);
    const auto* recursive = dynamic_cast<const RecursiveTableSource*>(scan.source().get());
    if (recursive != nullptr) return replace_recursive(scan, *recursive);
    const auto [at, is_new] = sources_.try_emplace(scan.source().get());
    if (is_new) at->second = scan.source()->snapshot();
    if (!at->second) return plan;
    return std::make_shared<ScanPlan>(at->second, scan.name(), scan.columns());
  }

  PlanPtr replace_recursive(const ScanPlan& scan, const RecursiveTableSource& table) {
    TableSourcePtr& source = recursive_[&table];
    if (!source) {
      source = std::make_shared<RecursiveTableSource>(table.name(), replace(table.first()),
                                                      replace(table.next()), table.working(),
                                                      table.distinct());
    }
    return std::make_shared<ScanPlan>(source, scan.name(), scan.columns());
  }

  PlanPtr replace_children(const PlanPtr& plan) {
    std::vector<PlanPtr> children;
    bool changed = false;
    for (const PlanPtr& child : plan->children()) {
      children.push_back(replace(child));
      changed = changed || children.back() != child;
    }
    return changed ? plan->with_children(std::move(children)) : plan;
  }

  std::map<const TableSource*, TableSourcePtr> sources_;
  std::map<const RecursiveTableSource*, TableSourcePtr> recursive_;
  std::map<const LogicalPlan*, PlanPtr> plans_;
};

}  // namespace

PlanPtr with_snapshots(const PlanPtr& plan) { return Snapshots().replace(plan); }

}  // namespace velaria
