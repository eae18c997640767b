#include "stream/stream_plan.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/plan/optimizer/optimizer.h"
#include "src/plan/snapshot.h"
#include "stream/stream_table_source.h"
#include "xxhash/xxhash.h"

namespace velaria {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kSqlUnsupported, what); }

class ReplacedLeaf : public TableSource {
 public:
  ReplacedLeaf(Schema schema, std::string description)
      : schema_(std::move(schema)), description_(std::move(description)) {}
  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return description_; }
  std::unique_ptr<TableScan> scan(const ScanRequest&) const override {
    VELARIA_CHECK(false);
    return nullptr;
  }

 private:
  const Schema schema_;
  const std::string description_;
};

// The rows below the cut, as the leaf of what is above it.
TableSourcePtr held_rows(const Schema& schema) {
  return make_replaced_leaf(schema, "rows kept until the end");
}

const StreamTableSource* stream_of(const LogicalPlan& plan) {
  if (plan.kind() != PlanKind::kScan) return nullptr;
  return dynamic_cast<const StreamTableSource*>(static_cast<const ScanPlan&>(plan).source().get());
}

void find_streams(const PlanPtr& plan, std::vector<PlanPtr>* out) {
  if (stream_of(*plan) != nullptr) out->push_back(plan);
  for (const PlanPtr& child : plan->children()) find_streams(child, out);
}

bool reads_stream(const PlanPtr& plan) {
  std::vector<PlanPtr> streams;
  find_streams(plan, &streams);
  return !streams.empty();
}

// A join whose stream is on the right turned round; the same columns in the same places.
PlanPtr with_stream_on_the_left(const PlanPtr& plan) {
  const auto& join = static_cast<const JoinPlan&>(*plan);
  JoinType type = join.type();
  switch (join.type()) {
    case JoinType::kInner: break;
    case JoinType::kRight: type = JoinType::kLeft; break;
    case JoinType::kRightSemi: type = JoinType::kSemi; break;
    case JoinType::kRightAnti: type = JoinType::kAnti; break;
    default: return plan;
  }
  const size_t left = join.left()->schema().size();
  const size_t right = join.right()->schema().size();
  std::vector<JoinKey> keys;
  for (const JoinKey& key : join.keys())
    keys.push_back({key.right, key.left, key.null_equals_null});
  BoundExpressionPtr condition = join.condition();
  if (condition) {
    condition = replace_columns(condition, [&](const BoundExpression& column) {
      const size_t at = column.column < left ? column.column + right : column.column - left;
      return bound_column(at, column.type, column.name);
    });
  }
  const PlanPtr turned =
      std::make_shared<JoinPlan>(join.right(), join.left(), type, std::move(keys), condition);
  if (!gives_left_columns(type) || !gives_right_columns(type)) return turned;
  std::vector<BoundExpressionPtr> columns;
  std::vector<std::string> names;
  for (size_t i = 0; i < left + right; ++i) {
    const Field& field = plan->schema().field(i);
    columns.push_back(bound_column(i < left ? i + right : i - left, field.type, field.name));
    names.push_back(field.name);
  }
  return std::make_shared<ProjectPlan>(turned, std::move(columns), std::move(names));
}

// Every join between the root and the stream.
PlanPtr turn_joins(const PlanPtr& plan) {
  std::vector<PlanPtr> children;
  for (const PlanPtr& child : plan->children()) children.push_back(turn_joins(child));
  const PlanPtr out = children == plan->children() ? plan : plan->with_children(children);
  if (out->kind() != PlanKind::kJoin) return out;
  const auto& join = static_cast<const JoinPlan&>(*out);
  if (reads_stream(join.left()) || !reads_stream(join.right())) return out;
  return with_stream_on_the_left(out);
}

// Whether each batch can run through the node alone, when it can run through what is below.
bool runs_per_batch(const LogicalPlan& plan, bool over_aggregate) {
  switch (plan.kind()) {
    case PlanKind::kScan:
    case PlanKind::kFilter:
    case PlanKind::kProject:
    case PlanKind::kTimeWindow: return true;
    case PlanKind::kAggregate: return !over_aggregate;
    case PlanKind::kJoin: {
      const auto& join = static_cast<const JoinPlan&>(plan);
      if (!reads_stream(join.left()) || reads_stream(join.right())) return false;
      switch (join.type()) {
        case JoinType::kInner:
        case JoinType::kLeft:
        case JoinType::kSemi:
        case JoinType::kAnti:
        case JoinType::kMark:
        case JoinType::kSingle: return true;
        default: return false;  // rows of the table without a match are known at the end only
      }
    }
    default: return false;
  }
}

[[noreturn]] void refuse_without_end(const LogicalPlan& plan) {
  switch (plan.kind()) {
    case PlanKind::kAggregate:
      refuse(
          "an aggregate over an aggregate is not supported over a stream without an end: the inner "
          "one gives out its groups again with every batch, and the outer one would count them "
          "again; write the inner result to a table and aggregate that");
    case PlanKind::kSort:
    case PlanKind::kTopN:
      refuse(
          "ORDER BY is not supported over a stream without an end, since it needs all rows; leave "
          "it out, or order the results where they are read");
    case PlanKind::kVectorTopK:
      refuse(
          "the nearest vectors are not supported over a stream without an end, since they need all "
          "rows; collect the stream into a table and search that");
    case PlanKind::kLimit:
      refuse(
          "LIMIT over groups or over a part of the query is not supported over a stream without an "
          "end, since it needs all rows; use max_batches to end the query, or limit the results "
          "where they are read");
    case PlanKind::kJoin: {
      const auto& join = static_cast<const JoinPlan&>(plan);
      if (reads_stream(join.left()) && reads_stream(join.right())) {
        refuse("a stream without an end cannot be joined with itself; join it with a table");
      }
      refuse(concat("a ", join_type_name(join.type()),
                    " join of a stream without an end is not supported: which rows of the table "
                    "have no match is known at the end only; put the stream on the side whose "
                    "rows are kept (stream LEFT JOIN table)"));
    }
    case PlanKind::kUnionAll: refuse("UNION is not supported over a stream without an end");
    case PlanKind::kWindow:
      refuse(
          "window functions (OVER) are not supported over a stream without an end, since they need "
          "all rows of their partition; use WINDOW BY ... EVERY for windows over time");
    default:
      refuse(concat("'", plan.describe(), "' is not supported over a stream without an end"));
  }
}

// The nodes from the root to the only stream.
std::vector<PlanPtr> path_to_stream(const PlanPtr& plan) {
  std::vector<PlanPtr> path = {plan};
  while (stream_of(*path.back()) == nullptr) {
    for (const PlanPtr& child : path.back()->children()) {
      if (!reads_stream(child)) continue;
      path.push_back(child);
      break;
    }
  }
  return path;
}

// `path[from]` with everything at path[to] replaced.
PlanPtr with_replaced(const std::vector<PlanPtr>& path, size_t to, PlanPtr replacement) {
  for (size_t i = to; i-- > 0;) {
    std::vector<PlanPtr> children = path[i]->children();
    for (PlanPtr& child : children) {
      if (child == path[i + 1]) child = replacement;
    }
    replacement = path[i]->with_children(std::move(children));
  }
  return replacement;
}

// LIMIT over rows that come one after the other, with nothing but projections above.
bool take_limit(const std::vector<PlanPtr>& path, size_t cut, bool over_aggregate,
                StreamPlan* out) {
  if (cut == 0 || over_aggregate || path[cut - 1]->kind() != PlanKind::kLimit) return false;
  for (size_t i = 0; i + 1 < cut; ++i) {
    if (path[i]->kind() != PlanKind::kProject) return false;
  }
  const auto& limit = static_cast<const LimitPlan&>(*path[cut - 1]);
  out->limit = limit.limit();
  out->offset = limit.offset();
  out->per_batch = with_replaced(path, cut - 1, path[cut]);
  return true;
}

PlanPtr replace_scans(const PlanPtr& plan, const TableSource* stream, const TableSourcePtr& held) {
  if (plan->kind() == PlanKind::kScan) {
    const auto& scan = static_cast<const ScanPlan&>(*plan);
    if (scan.source().get() != stream) return plan;
    return std::make_shared<ScanPlan>(held, scan.name(), scan.columns());
  }
  std::vector<PlanPtr> children;
  for (const PlanPtr& child : plan->children()) {
    children.push_back(replace_scans(child, stream, held));
  }
  return children == plan->children() ? plan : plan->with_children(std::move(children));
}

// Several places read the stream: all of it is kept, and everything runs at the end.
void run_all_at_end(const PlanPtr& scan, StreamPlan* out) {
  out->held = held_rows(out->leaf->schema());
  out->per_batch = ScanPlan::all_columns(out->leaf, static_cast<const ScanPlan&>(*scan).name());
  out->at_end = replace_scans(out->whole, out->leaf.get(), out->held);
}

void cut(StreamPlan* out) {
  const std::vector<PlanPtr> path = path_to_stream(out->whole);
  size_t from = path.size();  // path[from] and below run per batch
  while (from > 0 && runs_per_batch(*path[from - 1], out->has_aggregate)) {
    --from;
    if (path[from]->kind() == PlanKind::kAggregate) {
      out->has_aggregate = true;
      out->has_global_aggregate = static_cast<const AggregatePlan&>(*path[from]).keys().empty();
    }
  }
  if (from == 0) {
    out->per_batch = out->whole;
    return;
  }
  if (take_limit(path, from, out->has_aggregate, out)) return;
  if (!out->source->bounded()) refuse_without_end(*path[from - 1]);
  out->per_batch = path[from];
  out->held = held_rows(path[from]->schema());
  out->at_end = with_replaced(path, from, ScanPlan::all_columns(out->held, "all batches"));
}

void append_texts(const LogicalPlan& plan, std::string* out) {
  if (plan.kind() != PlanKind::kScan) *out += plan.describe();
  *out += concat(" [", plan.schema().to_string(), "]\n");
  for (const PlanPtr& child : plan.children()) append_texts(*child, out);
}

}  // namespace

TableSourcePtr make_replaced_leaf(Schema schema, std::string description) {
  return std::make_shared<ReplacedLeaf>(std::move(schema), std::move(description));
}

int64_t windows_per_row(const TimeWindow& window) {
  // Written so that nothing overflows.
  return window.width_ms / window.slide_ms + (window.width_ms % window.slide_ms != 0 ? 1 : 0);
}

StreamPlan make_stream_plan(PlanPtr plan) {
  VELARIA_CHECK(plan != nullptr);
  std::vector<PlanPtr> streams;
  find_streams(plan, &streams);
  if (streams.empty()) {
    throw Error(
        ErrorKind::kTableKind,
        "there is no stream in the query; a streaming query needs a stream source (read_stream, "
        "CREATE SOURCE TABLE)");
  }
  const auto source_at = [](const PlanPtr& scan) { return stream_of(*scan)->stream_source(); };
  for (const PlanPtr& other : streams) {
    if (source_at(other) == source_at(streams[0])) continue;
    refuse(concat("a streaming query reads exactly one stream; this one reads ",
                  source_at(streams[0])->describe(), " and ", source_at(other)->describe()));
  }

  StreamPlan out;
  // Everybody reads the stream through one leaf, which epochs are put in place of.
  out.leaf = static_cast<const ScanPlan&>(*streams[0]).source();
  for (const PlanPtr& other : streams) {
    plan = replace_scans(plan, static_cast<const ScanPlan&>(*other).source().get(), out.leaf);
  }
  out.source = source_at(streams[0]);
  out.whole = turn_joins(optimize(with_snapshots(plan), OptimizerOptions{}));
  std::vector<PlanPtr> scans;
  find_streams(out.whole, &scans);
  if (scans.size() == 1) {
    cut(&out);
  } else if (scans.empty()) {
    refuse("the query reads nothing of its stream: a condition in it is never true");
  } else if (out.source->bounded()) {
    run_all_at_end(scans[0], &out);
  } else {
    // The lowest node that several places meet in.
    const LogicalPlan* node = out.whole.get();
    for (;;) {
      const PlanPtr* only = nullptr;
      size_t reading = 0;
      for (const PlanPtr& child : node->children()) {
        if (!reads_stream(child)) continue;
        ++reading;
        only = &child;
      }
      if (reading != 1) break;
      node = only->get();
    }
    refuse_without_end(*node);
  }
  out.has_stateful_ops = out.has_aggregate || out.at_end || out.counts_rows();
  out.has_window = find_node(*plan, PlanKind::kTimeWindow) != nullptr;
  scans.clear();
  find_streams(out.per_batch, &scans);
  out.columns = static_cast<const ScanPlan&>(*scans[0]).columns();
  // Of the plan as it was asked for: a better optimizer must not make checkpoints useless. The
  // source counts by its schema only, so that a directory may move.
  std::string text;
  append_texts(*plan, &text);
  text += out.leaf->schema().to_string();
  out.fingerprint = XXH3_64bits(text.data(), text.size());
  out.logical = std::move(plan);
  return out;
}

}  // namespace velaria
