#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "src/plan/optimizer/cardinality.h"
#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

template <class Node, class F>
bool same(const LogicalPlan& a, const LogicalPlan& b, const F& equal) {
  return equal(static_cast<const Node&>(a), static_cast<const Node&>(b));
}

bool same_items(const std::vector<SortItem>& a, const std::vector<SortItem>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.column == y.column && x.descending == y.descending && x.nulls_first == y.nulls_first;
  });
}

bool same_function(const BoundWindowFunction& a, const BoundWindowFunction& b) {
  return a.kind == b.kind && a.arguments.size() == b.arguments.size() &&
         a.ignore_nulls == b.ignore_nulls && a.result_type == b.result_type &&
         a.frame.unit == b.frame.unit && a.frame.start == b.frame.start &&
         a.frame.end == b.frame.end && !a.frame.start_offset == !b.frame.start_offset &&
         !a.frame.end_offset == !b.frame.end_offset &&
         (a.kind != WindowFunctionKind::kAggregate || same_aggregate(a.aggregate, b.aggregate));
}

bool same_expressions(const LogicalPlan& a, const LogicalPlan& b) {
  const auto all = [](const LogicalPlan& plan) {
    std::vector<const BoundExpression*> out;
    visit_expressions(plan, [&out](const BoundExpression& e) { out.push_back(&e); });
    return out;
  };
  const std::vector<const BoundExpression*> left = all(a);
  const std::vector<const BoundExpression*> right = all(b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto* x, const auto* y) { return same_expression(*x, *y); });
}

// Whether two nodes over equal children give equal rows; names do not matter.
bool same_node(const LogicalPlan& a, const LogicalPlan& b) {
  if (a.kind() != b.kind() || a.schema().size() != b.schema().size()) return false;
  for (size_t i = 0; i < a.schema().size(); ++i) {
    if (a.schema().field(i).type != b.schema().field(i).type) return false;
  }
  if (!same_expressions(a, b)) return false;
  switch (a.kind()) {
    case PlanKind::kScan:
      return same<ScanPlan>(a, b, [](const auto& x, const auto& y) {
        return x.source() == y.source() && x.columns() == y.columns();
      });
    case PlanKind::kFilter:
    case PlanKind::kProject:
    case PlanKind::kUnionAll: return true;
    case PlanKind::kTimeWindow:
      return same<TimeWindowPlan>(a, b, [](const auto& x, const auto& y) {
        return x.window().time_column == y.window().time_column &&
               x.window().width_ms == y.window().width_ms &&
               x.window().slide_ms == y.window().slide_ms;
      });
    case PlanKind::kAggregate:
      return same<AggregatePlan>(a, b, [](const auto& x, const auto& y) {
        return x.keys().size() == y.keys().size() &&
               std::equal(x.aggregates().begin(), x.aggregates().end(), y.aggregates().begin(),
                          y.aggregates().end(), same_aggregate);
      });
    case PlanKind::kSort:
      return same<SortPlan>(
          a, b, [](const auto& x, const auto& y) { return same_items(x.items(), y.items()); });
    case PlanKind::kLimit:
      return same<LimitPlan>(a, b, [](const auto& x, const auto& y) {
        return x.limit() == y.limit() && x.offset() == y.offset();
      });
    case PlanKind::kTopN:
      return same<TopNPlan>(a, b, [](const auto& x, const auto& y) {
        return x.limit() == y.limit() && x.offset() == y.offset() &&
               same_items(x.items(), y.items());
      });
    case PlanKind::kVectorTopK:
      return same<VectorTopKPlan>(a, b, [](const auto& x, const auto& y) {
        const VectorTopK& s = x.top();
        const VectorTopK& t = y.top();
        return s.vector_column == t.vector_column && s.metric == t.metric &&
               s.similarity == t.similarity && s.query == t.query && s.limit == t.limit &&
               s.offset == t.offset && s.leave_out_unscored == t.leave_out_unscored &&
               s.score_threshold == t.score_threshold;
      });
    case PlanKind::kJoin:
      return same<JoinPlan>(a, b, [](const auto& x, const auto& y) {
        return x.type() == y.type() && x.null_aware() == y.null_aware() &&
               std::equal(x.keys().begin(), x.keys().end(), y.keys().begin(), y.keys().end(),
                          [](const JoinKey& k, const JoinKey& l) {
                            return k.null_equals_null == l.null_equals_null;
                          });
      });
    case PlanKind::kWindow:
      return same<WindowPlan>(a, b, [](const auto& x, const auto& y) {
        return x.partition_by().size() == y.partition_by().size() &&
               std::equal(x.order_by().begin(), x.order_by().end(), y.order_by().begin(),
                          y.order_by().end(),
                          [](const BoundSortKey& k, const BoundSortKey& l) {
                            return k.descending == l.descending && k.nulls_first == l.nulls_first;
                          }) &&
               std::equal(x.functions().begin(), x.functions().end(), y.functions().begin(),
                          y.functions().end(), same_function);
      });
    case PlanKind::kShared: break;
  }
  return false;
}

// Equal subtrees fall into one class. Classes make a graph without cycles in which children have
// smaller numbers than their parents.
class Sharing {
 public:
  explicit Sharing(const PlanPtr& root) : root_(class_of(root)) {
    classes_[root_].uses = 1;
    for (size_t i = root_ + 1; i-- > 0;) visit_parent(&classes_[i]);
  }

  bool found_something() const {
    return std::any_of(classes_.begin(), classes_.end(),
                       [](const Class& one) { return one.is_shared; });
  }

  // The plan with SharedPlans where it has subtrees of shared classes.
  PlanPtr rewrite(const PlanPtr& plan) {
    const size_t number = known_.at(plan.get());
    if (!classes_[number].is_shared) return with_new_children(plan);
    if (!classes_[number].rewritten) {
      classes_[number].shared_number = ++numbers_;
      classes_[number].rewritten = with_new_children(plan);
    }
    return std::make_shared<SharedPlan>(classes_[number].rewritten, classes_[number].shared_number,
                                        plan->schema().names());
  }

 private:
  struct Class {
    PlanPtr plan;
    std::vector<size_t> children;
    size_t uses = 0;  // places that would run it, were it not shared
    // Some place may do without many of its rows: a join above filters them on their way, a limit
    // stops them.
    bool is_cut_short = false;
    bool is_shared = false;
    size_t shared_number = 0;
    PlanPtr rewritten = nullptr;
  };

  size_t class_of(const PlanPtr& plan) {
    const auto known = known_.find(plan.get());
    if (known != known_.end()) return known->second;
    std::vector<size_t> children;
    for (const PlanPtr& child : plan->children()) children.push_back(class_of(child));
    std::vector<size_t>& alike = by_children_[{plan->kind(), children}];
    const auto found = std::find_if(alike.begin(), alike.end(),
                                    [&](size_t i) { return same_node(*classes_[i].plan, *plan); });
    const size_t number = found == alike.end() ? classes_.size() : *found;
    if (found == alike.end()) {
      alike.push_back(number);
      classes_.push_back({plan, std::move(children)});
    }
    known_[plan.get()] = number;
    return number;
  }

  // After all its own parents.
  void visit_parent(Class* parent) {
    parent->is_shared = parent->uses > 1 && is_worth(*parent);
    for (size_t side = 0; side < parent->children.size(); ++side) {
      Class& child = classes_[parent->children[side]];
      child.uses += parent->is_shared ? 1 : parent->uses;
      child.is_cut_short = child.is_cut_short || cuts_short(*parent, side);
    }
  }

  static bool cuts_short(const Class& parent, size_t side) {
    switch (parent.plan->kind()) {
      case PlanKind::kLimit: return true;
      case PlanKind::kJoin: return side == 0;  // the other side is read to its end
      case PlanKind::kFilter:
      case PlanKind::kProject:
      case PlanKind::kTimeWindow:
      case PlanKind::kUnionAll: return parent.is_cut_short && !parent.is_shared;
      default: return false;
    }
  }

  // Keeping the rows must cost less than making them again.
  bool is_worth(const Class& one) {
    switch (one.plan->kind()) {
      case PlanKind::kScan:
      case PlanKind::kTimeWindow:
      case PlanKind::kShared: return false;
      case PlanKind::kAggregate:
      case PlanKind::kSort:
      case PlanKind::kLimit:
      case PlanKind::kTopN:
      case PlanKind::kVectorTopK:
      case PlanKind::kWindow: return true;
      case PlanKind::kFilter:
      case PlanKind::kProject: {
        const Class& child = classes_[one.children[0]];
        return is_worth_below(child, one.is_cut_short);
      }
      case PlanKind::kUnionAll:
        return std::all_of(one.children.begin(), one.children.end(), [&](size_t child) {
          return is_worth_below(classes_[child], one.is_cut_short);
        });
      case PlanKind::kJoin:
        return !one.is_cut_short && estimator_.rows(one.plan) <= scanned_rows(*one.plan);
    }
    return false;
  }

  bool is_worth_below(Class child, bool is_cut_short) {
    child.is_cut_short = is_cut_short;
    return is_worth(child);
  }

  double scanned_rows(const LogicalPlan& plan) {
    double sum = 0;
    for (const PlanPtr& child : plan.children()) {
      sum += child->kind() == PlanKind::kScan ? estimator_.rows(child) : scanned_rows(*child);
    }
    return sum;
  }

  PlanPtr with_new_children(const PlanPtr& plan) {
    std::vector<PlanPtr> children;
    bool changed = false;
    for (const PlanPtr& child : plan->children()) {
      children.push_back(rewrite(child));
      changed = changed || children.back() != child;
    }
    return changed ? plan->with_children(std::move(children)) : plan;
  }

  std::vector<Class> classes_;
  std::map<std::pair<PlanKind, std::vector<size_t>>, std::vector<size_t>> by_children_;
  std::map<const LogicalPlan*, size_t> known_;
  CardinalityEstimator estimator_;
  size_t numbers_ = 0;
  size_t root_;
};

}  // namespace

PlanPtr share_common_subplans(const PlanPtr& plan) {
  if (!is_bounded(*plan)) return plan;
  Sharing sharing(plan);
  return sharing.found_something() ? sharing.rewrite(plan) : plan;
}

}  // namespace velaria
