#include "src/exec/join/wanted_columns.h"

namespace velaria {

namespace {

void add_columns(const BoundExpression& expression, std::vector<bool>* wanted) {
  visit_columns(expression, [wanted](size_t column) { (*wanted)[column] = true; });
}

// The first columns of a node that puts its own behind those of its child.
std::vector<bool> passed_through(std::vector<bool> wanted, const LogicalPlan& child) {
  wanted.resize(child.schema().size());
  return wanted;
}

class Finder {
 public:
  void visit(const LogicalPlan& plan, std::vector<bool> wanted) {
    switch (plan.kind()) {
      case PlanKind::kScan: return;
      case PlanKind::kProject:
      case PlanKind::kAggregate:
        wanted.assign(plan.child()->schema().size(), false);
        add_own(plan, &wanted);
        return visit(*plan.child(), std::move(wanted));
      case PlanKind::kFilter:
      case PlanKind::kWindow:
        wanted = passed_through(std::move(wanted), *plan.child());
        add_own(plan, &wanted);
        return visit(*plan.child(), std::move(wanted));
      case PlanKind::kTimeWindow:
        wanted = passed_through(std::move(wanted), *plan.child());
        wanted[static_cast<const TimeWindowPlan&>(plan).window().time_column] = true;
        return visit(*plan.child(), std::move(wanted));
      case PlanKind::kSort:
        for (const SortItem& item : static_cast<const SortPlan&>(plan).items()) {
          wanted[item.column] = true;
        }
        return visit(*plan.child(), std::move(wanted));
      case PlanKind::kTopN:
        for (const SortItem& item : static_cast<const TopNPlan&>(plan).items()) {
          wanted[item.column] = true;
        }
        return visit(*plan.child(), std::move(wanted));
      case PlanKind::kVectorTopK:
        wanted = passed_through(std::move(wanted), *plan.child());
        wanted[static_cast<const VectorTopKPlan&>(plan).top().vector_column] = true;
        return visit(*plan.child(), std::move(wanted));
      case PlanKind::kLimit: return visit(*plan.child(), std::move(wanted));
      case PlanKind::kShared:
        // Some place wants each of its columns, maybe another one than this.
        wanted.assign(wanted.size(), true);
        return visit(*plan.child(), std::move(wanted));
      case PlanKind::kUnionAll:
        for (const PlanPtr& child : plan.children()) visit(*child, wanted);
        return;
      case PlanKind::kJoin:
        return visit_join(static_cast<const JoinPlan&>(plan), std::move(wanted));
    }
  }

  WantedColumns found;

 private:
  static void add_own(const LogicalPlan& plan, std::vector<bool>* wanted) {
    visit_expressions(plan, [wanted](const BoundExpression& e) { add_columns(e, wanted); });
  }

  void visit_join(const JoinPlan& join, std::vector<bool> wanted) {
    std::vector<bool>& known = found[&join];
    known.resize(wanted.size());
    for (size_t c = 0; c < wanted.size(); ++c) known[c] = known[c] || wanted[c];
    const size_t left = join.left()->schema().size();
    std::vector<bool> both(left + join.right()->schema().size(), false);
    // Of joins that give out one side only, or a mark, the output is the beginning or the end.
    const size_t shift = gives_left_columns(join.type()) ? 0 : left;
    for (size_t c = 0; c < wanted.size() && shift + c < both.size(); ++c) {
      if (shift + c >= left && !gives_right_columns(join.type())) break;  // the mark
      both[shift + c] = wanted[c];
    }
    if (join.condition()) add_columns(*join.condition(), &both);
    const auto border = both.begin() + static_cast<std::ptrdiff_t>(left);
    std::vector<bool> left_wanted(both.begin(), border);
    std::vector<bool> right_wanted(border, both.end());
    for (const JoinKey& key : join.keys()) {
      add_columns(*key.left, &left_wanted);
      add_columns(*key.right, &right_wanted);
    }
    visit(*join.left(), std::move(left_wanted));
    visit(*join.right(), std::move(right_wanted));
  }
};

}  // namespace

WantedColumns find_wanted_columns(const LogicalPlan& root) {
  Finder finder;
  finder.visit(root, std::vector<bool>(root.schema().size(), true));
  return std::move(finder.found);
}

}  // namespace velaria
