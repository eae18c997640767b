#include "src/sql/grouping_sets.h"

#include <algorithm>
#include <utility>

#include "src/expr/function_registry.h"

namespace velaria::sql {

GroupingSets merge_equal_keys(const GroupingSets& sets, std::vector<BoundExpressionPtr>* keys,
                              std::vector<std::string>* key_names) {
  std::vector<size_t> place(keys->size());
  size_t kept = 0;
  for (size_t k = 0; k < keys->size(); ++k) {
    size_t same = 0;
    while (same < kept && !same_expression(*(*keys)[same], *(*keys)[k])) ++same;
    place[k] = same;
    if (same < kept) continue;
    (*keys)[kept] = (*keys)[k];
    (*key_names)[kept] = (*key_names)[k];
    ++kept;
  }
  keys->resize(kept);
  key_names->resize(kept);
  GroupingSets out;
  for (const std::vector<size_t>& set : sets) {
    std::vector<size_t> places;
    for (size_t k : set) places.push_back(place[k]);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    out.push_back(std::move(places));
  }
  return out;
}

PlanPtr aggregate_grouping_sets(const PlanPtr& input, const GroupingSets& sets,
                                const std::vector<BoundExpressionPtr>& keys,
                                const std::vector<std::string>& key_names,
                                const std::vector<BoundAggregate>& aggregates) {
  std::vector<PlanPtr> parts;
  for (const std::vector<size_t>& set : sets) {
    std::vector<BoundExpressionPtr> set_keys;
    std::vector<std::string> set_names;
    for (size_t k : set) {
      set_keys.push_back(keys[k]);
      set_names.push_back(key_names[k]);
    }
    const PlanPtr aggregate = std::make_shared<AggregatePlan>(input, std::move(set_keys),
                                                              std::move(set_names), aggregates);
    const auto column = [&](size_t i) {
      const Field& field = aggregate->schema().field(i);
      return bound_column(i, field.type, field.name);
    };
    std::vector<BoundExpressionPtr> columns;
    std::vector<std::string> names = key_names;
    int64_t without = 0;
    for (size_t k = 0; k < keys.size(); ++k) {
      const auto found = std::lower_bound(set.begin(), set.end(), k);
      if (found != set.end() && *found == k) {
        columns.push_back(column(static_cast<size_t>(found - set.begin())));
      } else {
        columns.push_back(bound_constant(Value::null(keys[k]->type)));
        without |= int64_t{1} << k;
      }
    }
    columns.push_back(bound_constant(Value::int64(without)));
    names.emplace_back("keys left out");
    for (size_t a = 0; a < aggregates.size(); ++a) {
      columns.push_back(column(set.size() + a));
      names.push_back(columns.back()->name);
    }
    parts.push_back(std::make_shared<ProjectPlan>(aggregate, std::move(columns), std::move(names)));
  }
  if (parts.size() == 1) return parts[0];
  return std::make_shared<UnionAllPlan>(std::move(parts));
}

BoundExpressionPtr grouping_number(const BoundExpressionPtr& without,
                                   const std::vector<size_t>& keys) {
  const auto number = [](int64_t value) { return bound_constant(Value::int64(value)); };
  const auto call = [](const char* name, const BoundExpressionPtr& a, const BoundExpressionPtr& b) {
    return FunctionRegistry::builtin().bind(name, {a, b});
  };
  BoundExpressionPtr sum;
  for (size_t k : keys) {
    const BoundExpressionPtr digit =
        call("%", call("/", without, number(int64_t{1} << k)), number(2));
    sum = sum ? call("+", call("*", sum, number(2)), digit) : digit;
  }
  return sum;
}

}  // namespace velaria::sql
