// A plan over other sources. Internal to this folder.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

// Replaces scans by what `f` gives for them; null keeps one. A node that stands in several places
// stays one.
class ScanReplacement {
 public:
  using Replace = std::function<TableSourcePtr(const ScanPlan&)>;
  explicit ScanReplacement(Replace f) : f_(std::move(f)) {}

  PlanPtr replace(const PlanPtr& plan) {
    const auto known = plans_.find(plan.get());
    if (known != plans_.end()) return known->second;
    PlanPtr out = plan;
    if (plan->kind() == PlanKind::kScan) {
      const auto& scan = static_cast<const ScanPlan&>(*plan);
      if (TableSourcePtr source = f_(scan)) {
        out = std::make_shared<ScanPlan>(std::move(source), scan.name(), scan.columns());
      }
    } else {
      std::vector<PlanPtr> children;
      bool changed = false;
      for (const PlanPtr& child : plan->children()) {
        children.push_back(replace(child));
        changed = changed || children.back() != child;
      }
      if (changed) out = plan->with_children(std::move(children));
    }
    plans_.emplace(plan.get(), out);
    return out;
  }

 private:
  Replace f_;
  std::map<const LogicalPlan*, PlanPtr> plans_;
};

}  // namespace velaria
