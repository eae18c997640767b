#include <algorithm>
#include <cmath>

#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

// Candidates are kept in memory, so beyond this the sort, which can use the disk, does the work.
constexpr int64_t kMostVectorTopKRows = 100000;

struct Distance {
  const char* function;
  Metric metric;
  bool similarity;
  bool nearest_is_largest;
};
constexpr Distance kDistances[] = {
    {"cosine_distance", Metric::kCosine, false, false},
    {"cosine_similarity", Metric::kCosine, true, true},
    {"inner_product", Metric::kDot, false, true},
    {"dot", Metric::kDot, false, true},
    {"dot_product", Metric::kDot, false, true},
    {"l2_distance", Metric::kL2, false, false},
    {"euclidean_distance", Metric::kL2, false, false},
};

const Distance* distance_of(const BoundExpression& call) {
  if (call.kind != BoundKind::kCall) return nullptr;
  for (const Distance& distance : kDistances) {
    if (call.name == distance.function) return &distance;
  }
  return nullptr;
}

bool is_query(const BoundExpression& e) {
  if (!e.is_constant() || !e.type.is_vector() || e.constant.is_null()) return false;
  const std::vector<float>& elements = e.constant.as_vector();
  return !elements.empty() &&
         std::all_of(elements.begin(), elements.end(), [](float x) { return std::isfinite(x); });
}

// What the vector top-k reads, and a projection above that gives what the old one gave.
class Rewrite {
 public:
  Rewrite(const TopNPlan& top_n, const ProjectPlan& project) : top_n_(top_n), project_(project) {}

  PlanPtr plan() {
    const SortItem& item = top_n_.items()[0];
    const BoundExpressionPtr key = project_.expressions()[item.column];
    const Distance* distance = distance_of(*key);
    if (distance == nullptr || item.nulls_first ||
        item.descending != distance->nearest_is_largest) {
      return nullptr;
    }
    BoundExpressionPtr query = key->children[0];
    BoundExpressionPtr vectors = key->children[1];
    if (!is_query(*query)) std::swap(query, vectors);
    if (!is_query(*query) || vectors->is_constant()) return nullptr;

    for (const Field& field : project_.child()->schema().fields()) {
      below_.push_back(bound_column(below_.size(), field.type, field.name));
    }
    const size_t passed = below_.size();
    VectorTopK top;
    top.vector_column = below(vectors);
    top.metric = distance->metric;
    top.similarity = distance->similarity;
    top.query = query->constant.as_vector();
    top.limit = top_n_.limit();
    top.offset = top_n_.offset();
    top.score_name = project_.schema().field(item.column).name;

    // What may fail does so for every row, as it did before.
    std::vector<BoundExpressionPtr> above = project_.expressions();
    for (BoundExpressionPtr& e : above) {
      if (same_expression(*e, *key)) continue;
      if (e->can_fail) e = bound_column(below(e), e->type, e->to_string());
    }
    const BoundExpressionPtr score =
        bound_column(below_.size(), DataType(TypeId::kFloat64), top.score_name);
    for (BoundExpressionPtr& e : above) {
      e = rewrite_expression(e, [&](const BoundExpressionPtr& node) {
        return same_expression(*node, *key) ? score : node;
      });
    }
    PlanPtr input = project_.child();
    if (below_.size() > passed) {
      std::vector<std::string> names;
      for (const BoundExpressionPtr& e : below_) names.push_back(e->to_string());
      input = std::make_shared<ProjectPlan>(input, below_, std::move(names));
    }
    return std::make_shared<ProjectPlan>(
        std::make_shared<VectorTopKPlan>(std::move(input), std::move(top)), std::move(above),
        project_.schema().names());
  }

 private:
  size_t below(const BoundExpressionPtr& e) {
    if (e->kind == BoundKind::kColumn) return e->column;
    below_.push_back(e);
    return below_.size() - 1;
  }

  const TopNPlan& top_n_;
  const ProjectPlan& project_;
  std::vector<BoundExpressionPtr> below_;
};

PlanPtr vector_top_k_node(const PlanPtr& plan) {
  if (plan->kind() != PlanKind::kTopN || plan->child()->kind() != PlanKind::kProject) return plan;
  const auto& top_n = static_cast<const TopNPlan&>(*plan);
  if (top_n.items().size() != 1 || top_n.limit() < 1 || top_n.limit() > kMostVectorTopKRows ||
      top_n.offset() > kMostVectorTopKRows - top_n.limit()) {
    return plan;
  }
  PlanPtr made = Rewrite(top_n, static_cast<const ProjectPlan&>(*plan->child())).plan();
  return made ? made : plan;
}

}  // namespace

PlanPtr make_vector_top_k_nodes(const PlanPtr& plan) {
  return rewrite_bottom_up(plan, vector_top_k_node);
}

}  // namespace velaria
