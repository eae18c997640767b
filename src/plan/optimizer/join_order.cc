#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <optional>

#include "src/base/error.h"
#include "src/plan/decorrelation/pull_up.h"
#include "src/plan/join_condition.h"
#include "src/plan/optimizer/cardinality.h"
#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

using RelationSet = uint64_t;

// Up to here every order is looked at, beyond it the cheapest pair is joined again and again.
constexpr size_t kMostRelationsForAllOrders = 10;
constexpr size_t kMostRelations = 60;

// What a join of two sides costs a row.
constexpr double kProbeCost = 1;
constexpr double kBuildCost = 2;
constexpr double kOutputCost = 1;

// Semi and anti joins of one group that are tried both ways; beyond it they go first.
constexpr size_t kMostFiltersToTry = 4;
// Columns of a filter's right side are numbered from here on.
constexpr size_t kFilterColumns = size_t{1} << 40;

// Inner joins without their order: relations, conditions over the columns of all of them, which
// are numbered through, and semi or anti joins of the whole with something else.
struct JoinGraph {
  struct Relation {
    PlanPtr plan;
    size_t first_column = 0;
  };
  struct Predicate {
    BoundExpressionPtr condition;
    RelationSet relations = 0;  // this and the next: once the filters below stand
    double selectivity = 1;
  };
  struct Filter {
    PlanPtr right;
    JoinType type = JoinType::kSemi;
    std::vector<JoinKey> keys;     // the right ones over `right` alone
    BoundExpressionPtr condition;  // may be null
    bool null_aware = false;
  };
  std::vector<Relation> relations;
  std::vector<Predicate> predicates;
  std::vector<Filter> filters;
  size_t columns = 0;

  size_t relation_of(size_t column) const {
    size_t r = relations.size() - 1;
    while (relations[r].first_column > column) --r;
    return r;
  }
  RelationSet relations_of(const BoundExpression& expression) const {
    RelationSet out = 0;
    visit_columns(expression, [&](size_t column) {
      if (column < kFilterColumns) out |= RelationSet{1} << relation_of(column);
    });
    return out;
  }
  RelationSet relations_of(const Filter& filter) const {
    RelationSet out = filter.condition ? relations_of(*filter.condition) : 0;
    for (const JoinKey& key : filter.keys) out |= relations_of(*key.left);
    return out;
  }
};

BoundExpressionPtr renumber(const BoundExpressionPtr& expression,
                            const std::vector<size_t>& columns) {
  return replace_columns(expression, [&](const BoundExpression& column) {
    return bound_column(columns[column.column], column.type, column.name);
  });
}

bool only_picks_columns(const LogicalPlan& plan) {
  if (plan.kind() != PlanKind::kProject) return false;
  const auto& expressions = static_cast<const ProjectPlan&>(plan).expressions();
  return std::all_of(expressions.begin(), expressions.end(),
                     [](const auto& e) { return e->kind == BoundKind::kColumn; });
}

class JoinOrderer {
 public:
  PlanPtr rewrite(const PlanPtr& plan) {
    if (is_group(*plan)) return order_group(plan);
    std::vector<PlanPtr> children;
    bool changed = false;
    for (const PlanPtr& child : plan->children()) {
      children.push_back(rewrite(child));
      changed = changed || children.back() != child;
    }
    const PlanPtr rewritten = changed ? plan->with_children(std::move(children)) : plan;
    return rewritten->kind() == PlanKind::kJoin ? with_small_build_side(rewritten) : rewritten;
  }

 private:
  static bool is_inner(const LogicalPlan& plan) {
    return plan.kind() == PlanKind::kJoin &&
           static_cast<const JoinPlan&>(plan).type() == JoinType::kInner;
  }
  static bool is_filtering_join(const LogicalPlan& plan) {
    if (plan.kind() != PlanKind::kJoin) return false;
    const JoinType type = static_cast<const JoinPlan&>(plan).type();
    return type == JoinType::kSemi || type == JoinType::kAnti;
  }
  // Inner joins, and what can be moved out of the way between them.
  static bool is_group(const LogicalPlan& plan) {
    if (is_inner(plan)) return true;
    if (only_picks_columns(plan)) return is_group(*plan.child());
    return is_filtering_join(plan) && is_group(*plan.children()[0]);
  }

  // Adds the plan's relations to the graph; gives the number of each of its columns.
  std::vector<size_t> collect(const PlanPtr& plan, JoinGraph* graph) {
    if (is_inner(*plan)) {
      const auto& join = static_cast<const JoinPlan&>(*plan);
      std::vector<size_t> columns = collect(join.left(), graph);
      const size_t left_width = columns.size();
      const std::vector<size_t> right = collect(join.right(), graph);
      columns.insert(columns.end(), right.begin(), right.end());
      std::vector<BoundExpressionPtr> conditions;
      for (const JoinKey& key : join.keys()) conditions.push_back(key_condition(key, left_width));
      if (join.condition()) {
        for (auto& conjunct : split_conjuncts(join.condition())) conditions.push_back(conjunct);
      }
      for (const auto& condition : conditions) {
        graph->predicates.push_back({renumber(condition, columns), 0, 1});
      }
      return columns;
    }
    if (only_picks_columns(*plan) && is_group(*plan->child())) {
      const std::vector<size_t> below = collect(plan->child(), graph);
      std::vector<size_t> columns;
      for (const auto& e : static_cast<const ProjectPlan&>(*plan).expressions()) {
        columns.push_back(below[e->column]);
      }
      return columns;
    }
    if (is_filtering_join(*plan) && is_group(*plan->children()[0])) {
      return collect_filter(static_cast<const JoinPlan&>(*plan), graph);
    }
    const PlanPtr relation = rewrite(plan);
    std::vector<size_t> columns(relation->schema().size());
    std::iota(columns.begin(), columns.end(), graph->columns);
    graph->relations.push_back({relation, graph->columns});
    graph->columns += columns.size();
    return columns;
  }

  // A semi or anti join filters the rows of the joins below, wherever it stands among them.
  std::vector<size_t> collect_filter(const JoinPlan& join, JoinGraph* graph) {
    std::vector<size_t> columns = collect(join.left(), graph);
    JoinGraph::Filter filter{rewrite(join.right()), join.type(), join.keys(), nullptr,
                             join.null_aware()};
    for (JoinKey& key : filter.keys) key.left = renumber(key.left, columns);
    if (join.condition()) {
      std::vector<size_t> numbers = columns;
      for (size_t i = 0; i < join.right()->schema().size(); ++i) {
        numbers.push_back(kFilterColumns + i);
      }
      filter.condition = renumber(join.condition(), numbers);
    }
    graph->filters.push_back(std::move(filter));
    return columns;
  }

  struct Subplan {
    PlanPtr plan;
    std::vector<size_t> columns;  // their numbers in the graph
    RelationSet relations = 0;
  };

  struct OrderedGroup {
    double cost = std::numeric_limits<double>::infinity();
    Subplan joined;
  };

  PlanPtr order_group(const PlanPtr& plan) {
    JoinGraph graph;
    const std::vector<size_t> wanted = collect(plan, &graph);
    if (graph.relations.size() > kMostRelations) return plan;
    OrderedGroup best;
    const auto try_order = [&](size_t late_filters) {
      OrderedGroup tried = order_with_filters(graph, late_filters);
      if (tried.cost < best.cost || best.joined.plan == nullptr) best = std::move(tried);
    };
    try_order(0);
    if (graph.filters.size() <= kMostFiltersToTry &&
        graph.relations.size() <= kMostRelationsForAllOrders) {
      for (size_t late = 1; late < size_t{1} << graph.filters.size(); ++late) try_order(late);
    }
    const Subplan& joined = best.joined;
    std::vector<size_t> position(graph.columns, 0);
    for (size_t i = 0; i < joined.columns.size(); ++i) position[joined.columns[i]] = i;
    std::vector<size_t> picked;
    for (const size_t column : wanted) picked.push_back(position[column]);
    bool same = picked.size() == joined.columns.size();
    for (size_t i = 0; same && i < picked.size(); ++i) same = picked[i] == i;
    return same ? joined.plan : pick_columns(joined.plan, picked);
  }

  // Filters of the set `late` (bits) stand above all inner joins, the others at their relation,
  // if they read only one.
  OrderedGroup order_with_filters(JoinGraph graph, size_t late) {
    OrderedGroup out;
    double cost = 0;
    std::vector<const JoinGraph::Filter*> above;
    for (size_t f = 0; f < graph.filters.size(); ++f) {
      const RelationSet read = graph.relations_of(graph.filters[f]);
      const bool one_relation = read != 0 && (read & (read - 1)) == 0;
      if (!one_relation || (f < kMostFiltersToTry && (late >> f & 1) != 0)) {
        above.push_back(&graph.filters[f]);
        continue;
      }
      size_t index = 0;
      while ((read >> index) != 1) ++index;
      Subplan relation = columns_of_relation(graph, index);
      cost += add_filter(graph.filters[f], &relation);
      graph.relations[index].plan = relation.plan;
    }
    const std::vector<BoundExpressionPtr> late_conditions = place_predicates(&graph);
    damp_compound_keys(&graph);
    if (graph.relations.size() <= kMostRelationsForAllOrders) {
      out.joined = best_of_all_orders(graph, &cost);
    } else {
      out.joined = cheapest_pairs(graph);
    }
    if (!late_conditions.empty()) {
      std::vector<BoundExpressionPtr> conditions;
      for (const auto& condition : late_conditions) {
        conditions.push_back(placed(condition, out.joined, {}));
      }
      out.joined.plan =
          std::make_shared<FilterPlan>(out.joined.plan, all_of(std::move(conditions)));
    }
    for (const JoinGraph::Filter* filter : above) cost += add_filter(*filter, &out.joined);
    out.cost = cost;
    return out;
  }

  // Says where each predicate is asked; gives those that are asked of the rows that all joins
  // leave.
  //
  // What may fail is asked there, as where it is written: the joins may take away the rows for
  // which it fails. To make the joins small it is tried as early as other conditions are, together
  // with what reads the same relations, so that one still guards the next. Equalities of relations
  // stay keys, without which joins are products.
  std::vector<BoundExpressionPtr> place_predicates(JoinGraph* graph) {
    const RelationSet all = (RelationSet{1} << graph->relations.size()) - 1;
    std::vector<BoundExpressionPtr> late;
    std::vector<JoinGraph::Predicate> early;
    std::map<RelationSet, JoinGraph::Predicate> tried;
    bool any_connects = false;
    for (auto& predicate : graph->predicates) {
      const BoundExpressionPtr& condition = predicate.condition;
      predicate.relations = graph->relations_of(*condition);
      predicate.selectivity = predicate_selectivity(*graph, *condition);
      const bool is_key = connects(*graph, *condition);
      any_connects = any_connects || is_key;
      const bool is_last_anyway = predicate.relations == all && late.empty();
      if (!condition->can_fail || is_last_anyway || is_key) {
        early.push_back(predicate);
        continue;
      }
      late.push_back(condition);
      if (calls_user_function(*condition)) continue;  // not twice
      auto& same = tried.try_emplace(predicate.relations).first->second;
      same.condition = same.condition ? all_of({same.condition, condition}) : condition;
      same.relations = predicate.relations;
      same.selectivity *= predicate.selectivity;
    }
    for (auto& [relations, predicate] : tried) {
      // At the last join it would only be asked twice, unless that makes every pair of rows.
      if (relations == all && any_connects) continue;
      early.push_back({bound_try(predicate.condition), relations, predicate.selectivity});
    }
    graph->predicates = std::move(early);
    return late;
  }

  static bool connects(const JoinGraph& graph, const BoundExpression& condition) {
    const auto equality = as_equality(condition);
    if (!equality) return false;
    const RelationSet a = graph.relations_of(*equality->a);
    const RelationSet b = graph.relations_of(*equality->b);
    return a != 0 && b != 0 && (a & b) == 0;
  }

  // Gives what the join costs.
  double add_filter(const JoinGraph::Filter& filter, Subplan* below) {
    std::vector<JoinKey> keys = filter.keys;
    for (JoinKey& key : keys) key.left = placed(key.left, *below, {});
    BoundExpressionPtr condition;
    if (filter.condition) {
      Subplan right;
      for (size_t i = 0; i < filter.right->schema().size(); ++i) {
        right.columns.push_back(kFilterColumns + i);
      }
      condition = placed(filter.condition, *below, right);
    }
    const double left_rows = estimator_.rows(below->plan);
    const double right_rows = estimator_.rows(filter.right);
    below->plan = with_small_build_side(
        std::make_shared<JoinPlan>(below->plan, filter.right, filter.type, std::move(keys),
                                   std::move(condition), filter.null_aware));
    const double probed = std::max(left_rows, right_rows);
    const double built = std::min(left_rows, right_rows);
    return probed * kProbeCost + built * kBuildCost + estimator_.rows(below->plan) * kOutputCost;
  }

  double predicate_selectivity(const JoinGraph& graph, const BoundExpression& condition) {
    const auto equality = as_equality(condition);
    if (!equality) return 1.0 / 3;
    double most = 1;
    for (const auto& side : {equality->a, equality->b}) {
      const RelationSet relations = graph.relations_of(*side);
      if (relations == 0 || (relations & (relations - 1)) != 0) continue;
      size_t index = 0;
      while ((relations >> index) != 1) ++index;
      const auto& relation = graph.relations[index];
      const auto local = replace_columns(side, [&](const BoundExpression& column) {
        return bound_column(column.column - relation.first_column, column.type, column.name);
      });
      most = std::max(most, estimator_.distinct(relation.plan, *local));
    }
    return 1 / most;
  }

  // Several equalities between two relations are rarely independent: together they are taken for a
  // key of the smaller one.
  void damp_compound_keys(JoinGraph* graph) {
    std::map<RelationSet, std::vector<JoinGraph::Predicate*>> by_relations;
    for (auto& predicate : graph->predicates) {
      if (as_equality(*predicate.condition))
        by_relations[predicate.relations].push_back(&predicate);
    }
    for (auto& [relations, predicates] : by_relations) {
      if (predicates.size() < 2) continue;
      double least = std::numeric_limits<double>::infinity();
      for (size_t r = 0; r < graph->relations.size(); ++r) {
        if ((relations >> r & 1) == 0) continue;
        least = std::min(least, estimator_.rows(graph->relations[r].plan));
      }
      double together = 1;
      for (const auto* predicate : predicates) together *= predicate->selectivity;
      for (auto* predicate : predicates) predicate->selectivity = 1;
      predicates[0]->selectivity = std::max(together, 1 / least);
    }
  }

  double rows_of(const JoinGraph& graph, RelationSet relations) {
    double rows = 1;
    for (size_t r = 0; r < graph.relations.size(); ++r) {
      if ((relations >> r & 1) != 0) rows *= estimator_.rows(graph.relations[r].plan);
    }
    for (const auto& predicate : graph.predicates) {
      if (predicate.relations != 0 && (predicate.relations & ~relations) == 0) {
        rows *= predicate.selectivity;
      }
    }
    return std::max(1.0, rows);
  }

  struct Choice {
    double cost = std::numeric_limits<double>::infinity();
    double rows = 1;
    RelationSet left = 0;  // 0: a relation by itself
    RelationSet right = 0;
  };

  // Adds what it costs.
  Subplan best_of_all_orders(const JoinGraph& graph, double* cost_sum) {
    const size_t count = graph.relations.size();
    const RelationSet all = (RelationSet{1} << count) - 1;
    std::vector<Choice> best(all + 1);
    for (RelationSet set = 1; set <= all; ++set) {
      Choice& choice = best[set];
      choice.rows = rows_of(graph, set);
      if ((set & (set - 1)) == 0) {
        choice.cost = 0;
        continue;
      }
      for (RelationSet left = (set - 1) & set; left != 0; left = (left - 1) & set) {
        const RelationSet right = set & ~left;
        const double cost = best[left].cost + best[right].cost + best[left].rows * kProbeCost +
                            best[right].rows * kBuildCost + choice.rows * kOutputCost;
        // Of orders that cost the same, the one nearest to how it is written: the sets of the left
        // side come from the last relation to the first.
        if (cost <= choice.cost) {
          choice.cost = cost;
          choice.left = left;
          choice.right = right;
        }
      }
    }
    *cost_sum += best[all].cost;
    return make_subplan(graph, best, all);
  }

  Subplan make_subplan(const JoinGraph& graph, const std::vector<Choice>& best, RelationSet set) {
    if (best[set].left == 0) {
      size_t index = 0;
      while ((set >> index) != 1) ++index;
      return relation_subplan(graph, index);
    }
    return join_subplans(graph, make_subplan(graph, best, best[set].left),
                         make_subplan(graph, best, best[set].right));
  }

  static Subplan columns_of_relation(const JoinGraph& graph, size_t index) {
    const auto& relation = graph.relations[index];
    Subplan out{relation.plan, {}, RelationSet{1} << index};
    for (size_t i = 0; i < relation.plan->schema().size(); ++i) {
      out.columns.push_back(relation.first_column + i);
    }
    return out;
  }

  Subplan relation_subplan(const JoinGraph& graph, size_t index) {
    Subplan out = columns_of_relation(graph, index);
    std::vector<BoundExpressionPtr> own;
    for (const auto& predicate : graph.predicates) {
      if (predicate.relations == out.relations) own.push_back(placed(predicate.condition, out, {}));
    }
    if (!own.empty()) out.plan = std::make_shared<FilterPlan>(out.plan, all_of(std::move(own)));
    return out;
  }

  static BoundExpressionPtr placed(const BoundExpressionPtr& condition, const Subplan& left,
                                   const Subplan& right) {
    return replace_columns(condition, [&](const BoundExpression& column) {
      const auto in_left = std::find(left.columns.begin(), left.columns.end(), column.column);
      size_t at = static_cast<size_t>(in_left - left.columns.begin());
      if (in_left == left.columns.end()) {
        const auto in_right = std::find(right.columns.begin(), right.columns.end(), column.column);
        VELARIA_CHECK(in_right != right.columns.end());
        at += static_cast<size_t>(in_right - right.columns.begin());
      }
      return bound_column(at, column.type, column.name);
    });
  }

  Subplan join_subplans(const JoinGraph& graph, const Subplan& left, const Subplan& right) {
    Subplan out;
    out.relations = left.relations | right.relations;
    out.columns = left.columns;
    out.columns.insert(out.columns.end(), right.columns.begin(), right.columns.end());
    const RelationSet all = (RelationSet{1} << graph.relations.size()) - 1;
    std::vector<BoundExpressionPtr> conjuncts;
    for (const auto& predicate : graph.predicates) {
      const bool here = (predicate.relations & ~out.relations) == 0 &&
                        (predicate.relations & ~left.relations) != 0 &&
                        (predicate.relations & ~right.relations) != 0;
      const bool constant = predicate.relations == 0 && out.relations == all;
      if (here || constant) conjuncts.push_back(placed(predicate.condition, left, right));
    }
    // What may fail must not stand in front: first keys are computed for every row. Tries guard
    // nothing.
    const auto rank = [](const BoundExpressionPtr& c) {
      return c->kind == BoundKind::kTry ? 2 : c->can_fail ? 1 : 0;
    };
    std::stable_sort(conjuncts.begin(), conjuncts.end(),
                     [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    const size_t left_width = left.columns.size();
    JoinCondition condition = split_join_condition(conjuncts, left_width);
    if (condition.keys.empty()) {
      // Rather a key that may fail than every pair of rows.
      const auto key = std::find_if(conjuncts.begin(), conjuncts.end(), [&](const auto& c) {
        return !split_join_condition({c}, left_width).keys.empty();
      });
      if (key != conjuncts.end()) std::rotate(conjuncts.begin(), key, key + 1);
      condition = split_join_condition(conjuncts, left_width);
    }
    out.plan =
        std::make_shared<JoinPlan>(left.plan, right.plan, JoinType::kInner,
                                   std::move(condition.keys), all_of(std::move(condition.rest)));
    return out;
  }

  Subplan cheapest_pairs(const JoinGraph& graph) {
    std::vector<Subplan> parts;
    for (size_t r = 0; r < graph.relations.size(); ++r) {
      parts.push_back(relation_subplan(graph, r));
    }
    while (parts.size() > 1) {
      size_t best_a = 0;
      size_t best_b = 1;
      double least = std::numeric_limits<double>::infinity();
      for (size_t a = 0; a < parts.size(); ++a) {
        for (size_t b = a + 1; b < parts.size(); ++b) {
          const double rows = rows_of(graph, parts[a].relations | parts[b].relations);
          if (rows < least) {
            least = rows;
            best_a = a;
            best_b = b;
          }
        }
      }
      const bool swap =
          rows_of(graph, parts[best_a].relations) < rows_of(graph, parts[best_b].relations);
      Subplan joined = swap ? join_subplans(graph, parts[best_b], parts[best_a])
                            : join_subplans(graph, parts[best_a], parts[best_b]);
      parts[best_a] = std::move(joined);
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best_b));
    }
    return parts[0];
  }

  // The hash table is built of the right side, so the smaller one should be there.
  PlanPtr with_small_build_side(const PlanPtr& plan) {
    const auto& join = static_cast<const JoinPlan&>(*plan);
    JoinType type = JoinType::kInner;
    switch (join.type()) {
      case JoinType::kLeft: type = JoinType::kRight; break;
      case JoinType::kRight: type = JoinType::kLeft; break;
      case JoinType::kSemi: type = JoinType::kRightSemi; break;
      case JoinType::kAnti: type = JoinType::kRightAnti; break;
      default: return plan;
    }
    if (join.null_aware() || join.keys().empty()) return plan;
    if (estimator_.rows(join.right()) < 2 * estimator_.rows(join.left())) return plan;
    const size_t left_width = join.left()->schema().size();
    const size_t right_width = join.right()->schema().size();
    std::vector<JoinKey> keys;
    for (const JoinKey& key : join.keys()) {
      keys.push_back({key.right, key.left, key.null_equals_null});
    }
    BoundExpressionPtr condition;
    if (join.condition()) {
      condition = replace_columns(join.condition(), [&](const BoundExpression& column) {
        const size_t at =
            column.column < left_width ? column.column + right_width : column.column - left_width;
        return bound_column(at, column.type, column.name);
      });
    }
    const PlanPtr swapped = std::make_shared<JoinPlan>(join.right(), join.left(), type,
                                                       std::move(keys), std::move(condition));
    if (!gives_right_columns(join.type())) return swapped;
    std::vector<size_t> columns;
    for (size_t i = 0; i < left_width; ++i) columns.push_back(right_width + i);
    for (size_t i = 0; i < right_width; ++i) columns.push_back(i);
    return pick_columns(swapped, columns);
  }

  CardinalityEstimator estimator_;
};

}  // namespace

PlanPtr order_joins(const PlanPtr& plan) { return JoinOrderer().rewrite(plan); }

}  // namespace velaria
