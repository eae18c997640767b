#include "src/plan/snapshot.h"

#include <map>

#include "src/plan/recursive_table.h"
#include "src/plan/scan_replacement.h"

namespace velaria {

PlanPtr with_snapshots(const PlanPtr& plan) {
  std::map<const TableSource*, TableSourcePtr> snapshots;
  ScanReplacement replacement([&](const ScanPlan& scan) {
    const auto [at, is_new] = snapshots.try_emplace(scan.source().get());
    if (!is_new) return at->second;
    const auto* table = dynamic_cast<const RecursiveTableSource*>(scan.source().get());
    // The map keeps its nodes where they are while the inner plans add theirs.
    at->second = table == nullptr
                     ? scan.source()->snapshot()
                     : std::make_shared<RecursiveTableSource>(
                           table->name(), replacement.replace(table->first()),
                           replacement.replace(table->next()), table->working(), table->distinct());
    return at->second;
  });
  return replacement.replace(plan);
}

}  // namespace velaria
