#include "stream/stream_plan.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/plan/optimizer/optimizer.h"
#include "stream/stream_table_source.h"
#include "xxhash/xxhash.h"

namespace velaria {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kSqlUnsupported, what); }

void check_node(const LogicalPlan& plan, bool bounded, int* aggregates) {
  switch (plan.kind()) {
    case PlanKind::kScan:
    case PlanKind::kFilter:
    case PlanKind::kProject:
    case PlanKind::kTimeWindow:
    case PlanKind::kShared: break;
    case PlanKind::kAggregate:
      if (++*aggregates > 1) {
        refuse(
            "an aggregate over an aggregate is not supported in a streaming query: the inner one "
            "gives out its groups again with every batch, and the outer one would count them "
            "again; write the inner result to a table and aggregate that");
      }
      break;
    case PlanKind::kSort:
    case PlanKind::kTopN:
      refuse(bounded
                 ? "ORDER BY is not supported in a streaming query, not even over a source that "
                   "ends: results are given out batch by batch; order them where they are read"
                 : "ORDER BY needs all rows, and this stream has no end; leave it out, or order "
                   "the results where they are read");
    case PlanKind::kJoin: refuse("joins are not supported in a streaming query");
    case PlanKind::kUnionAll: refuse("UNION is not supported in a streaming query");
    case PlanKind::kWindow:
      refuse(
          "window functions (OVER) need all rows of their partition, which a stream does not have; "
          "use WINDOW BY ... EVERY for windows over time");
    case PlanKind::kLimit:
      refuse(
          "LIMIT is not supported in a streaming query yet; use max_batches to end it, or limit "
          "the "
          "results where they are read");
  }
  for (const PlanPtr& child : plan.children()) check_node(*child, bounded, aggregates);
}

const ScanPlan& leaf_of(const LogicalPlan& plan) {
  const LogicalPlan* node = &plan;
  while (node->kind() != PlanKind::kScan) {
    if (node->children().size() != 1) {
      refuse(concat("a streaming query reads exactly one stream; '", node->describe(),
                    "' has several inputs"));
    }
    node = node->child().get();
  }
  return static_cast<const ScanPlan&>(*node);
}

void append_texts(const LogicalPlan& plan, std::string* out) {
  if (plan.kind() != PlanKind::kScan) *out += plan.describe();
  *out += concat(" [", plan.schema().to_string(), "]\n");
  for (const PlanPtr& child : plan.children()) append_texts(*child, out);
}

}  // namespace

StreamPlan make_stream_plan(PlanPtr plan) {
  VELARIA_CHECK(plan != nullptr);
  const ScanPlan& asked = leaf_of(*plan);
  const auto* leaf = dynamic_cast<const StreamTableSource*>(asked.source().get());
  if (leaf == nullptr) {
    throw Error(ErrorKind::kTableKind,
                concat("'", asked.name().empty() ? asked.source()->describe() : asked.name(),
                       "' is no stream; a streaming query needs a stream source (read_stream, "
                       "CREATE SOURCE TABLE)"));
  }
  int aggregates = 0;
  check_node(*plan, is_bounded(*plan), &aggregates);

  StreamPlan out;
  out.source = leaf->stream_source();
  out.has_stateful_ops = aggregates > 0;
  out.has_window = find_node(*plan, PlanKind::kTimeWindow) != nullptr;
  out.optimized = optimize(plan, OptimizerOptions{});
  out.columns = leaf_of(*out.optimized).columns();
  // Of the plan as it was asked for: a better optimizer must not make checkpoints useless. The
  // source counts by its schema only, so that a directory may move.
  std::string text;
  append_texts(*plan, &text);
  text += leaf->schema().to_string();
  out.fingerprint = XXH3_64bits(text.data(), text.size());
  out.logical = std::move(plan);
  return out;
}

}  // namespace velaria
