#include "src/session/vector_queries.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/memory/arrow_table_source.h"
#include "src/io/memory/memory_table_source.h"
#include "src/kernel/cast.h"
#include "src/plan/snapshot.h"
#include "src/session/engine.h"
#include "src/session/frame_verbs.h"

namespace velaria {

namespace {

// The blocks of a column that can be searched where they lie; empty when the plan is a query.
std::vector<ColumnPtr> blocks_in_place(const LogicalPlan& plan, size_t column) {
  if (plan.kind() != PlanKind::kScan) return {};
  const auto& scan = static_cast<const ScanPlan&>(plan);
  const size_t source_column = scan.columns()[column];
  if (const auto* arrow = dynamic_cast<const ArrowTableSource*>(scan.source().get())) {
    return arrow->column_blocks(source_column);
  }
  if (const auto* memory = dynamic_cast<const MemoryTableSource*>(scan.source().get())) {
    return memory->column_blocks(source_column);
  }
  return {};
}

void require_vectors(const Field& field) {
  if (field.type.is_vector() || field.type.id() == TypeId::kUtf8) return;
  throw Error(ErrorKind::kTypeMismatch,
              concat("column '", field.name, "' is ", field.type.to_string(),
                     ", not vectors; vector search needs fixed_size_list<float32>, or text such as "
                     "'[1 2 3]'"));
}

}  // namespace

std::shared_ptr<const VectorTable> VectorTableCache::get(Engine& engine,
                                                         const PlanPtr& written_plan,
                                                         const std::string& column_name,
                                                         int32_t dimension) {
  // What is kept of a table must not outlive the rows it has now.
  const PlanPtr plan = with_snapshots(written_plan);
  const size_t column = plan->schema().require(column_name);
  const Field& field = plan->schema().field(column);
  require_vectors(field);
  const bool in_place = plan->kind() == PlanKind::kScan && field.type.is_vector();
  const std::lock_guard<std::mutex> lock(mutex_);
  TableSourcePtr source;
  if (in_place) {
    source = static_cast<const ScanPlan&>(*plan).source();
    const size_t source_column = static_cast<const ScanPlan&>(*plan).columns()[column];
    std::vector<Entry> living;
    for (Entry& entry : entries_) {
      const TableSourcePtr known = entry.source.lock();
      if (!known) continue;
      if (known == source && entry.column == source_column) return entry.table;
      living.push_back(std::move(entry));
    }
    entries_ = std::move(living);
  }
  auto table =
      std::make_shared<VectorTable>(field.type.is_vector() ? field.type.list_size() : dimension);
  std::vector<ColumnPtr> blocks;
  if (in_place) blocks = blocks_in_place(*plan, column);
  if (blocks.empty()) {
    // A quoted name keeps its exact spelling.
    const QueryResult result = engine.run(select_items(plan, {"\"" + field.name + "\""}));
    for (const Chunk& chunk : result.chunks) blocks.push_back(chunk.columns[0]);
  }
  for (const ColumnPtr& block : blocks) {
    table->append(field.type.is_vector() ? block : cast(block, DataType::vector(dimension)));
  }
  table->cache_norms(&engine.pool());
  if (in_place) {
    const size_t source_column = static_cast<const ScanPlan&>(*plan).columns()[column];
    entries_.push_back({source, source_column, table});
  }
  return table;
}

}  // namespace velaria
