// The aggregate functions that exist: names, what they take, and how a call is bound.
//
// Batch and stream, SQL and frame verbs, GROUP BY and OVER all look here, so an aggregate means the
// same everywhere. Immutable after its construction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/expr/aggregate.h"

namespace velaria {

// A call whose parts are bound over the aggregate's input.
struct AggregateCall {
  std::string name;
  std::vector<BoundExpressionPtr> arguments;
  bool star = false;                   // f(*)
  bool distinct = false;               // f(DISTINCT ...)
  std::vector<BoundSortKey> order_by;  // f(x ORDER BY ...), f(...) WITHIN GROUP (ORDER BY ...)
  BoundExpressionPtr filter;           // a condition; may be null
};

// What DISTINCT means for an aggregate.
enum class DistinctRule {
  kCounts,    // equal values are looked at once
  kNoEffect,  // gives the same anyway
  kRefused,   // means nothing
};

// What an ORDER BY inside the call does.
enum class OrderRule {
  kIgnored,
  kHonoured,
  kGivesValue,  // WITHIN GROUP (ORDER BY x): x is what is aggregated
};

struct AggregateDefinition {
  std::string name;
  std::vector<std::string> aliases;
  std::string group;      // "general", "statistics", "order": for the reference
  std::string signature;  // "string_agg(text [, separator] [ORDER BY ...])"
  std::string summary;    // one line
  AggregateKind kind = AggregateKind::kCountRows;
  size_t least_arguments = 1;
  size_t most_arguments = 1;
  DistinctRule distinct = DistinctRule::kCounts;
  OrderRule order = OrderRule::kIgnored;
};

class AggregateRegistry {
 public:
  static const AggregateRegistry& builtin();

  const AggregateDefinition* find(std::string_view name) const;  // also an alias; any case
  std::vector<std::string> names() const;                        // aliases too
  const std::vector<AggregateDefinition>& definitions() const { return definitions_; }

  // Throws SqlSemanticError (arguments, DISTINCT, a fraction) or TypeMismatchError.
  BoundAggregate bind(AggregateCall call) const;

 private:
  explicit AggregateRegistry(std::vector<AggregateDefinition> definitions)
      : definitions_(std::move(definitions)) {}

  std::vector<AggregateDefinition> definitions_;
};

}  // namespace velaria
