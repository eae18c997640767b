#include "src/session/vector_queries.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/io/memory/arrow_table_source.h"
#include "src/io/memory/memory_table_source.h"
#include "src/kernel/cast.h"
#include "src/kernel/nested_cast.h"
#include "src/plan/snapshot.h"
#include "src/session/frame_verbs.h"

namespace velaria {

namespace {

// The blocks of a source whose columns can be read in parts; null of any other.
TableBlocksPtr blocks_of(const LogicalPlan& plan) {
  if (plan.kind() != PlanKind::kScan) return nullptr;
  const TableSource* source = static_cast<const ScanPlan&>(plan).source().get();
  if (const auto* arrow = dynamic_cast<const ArrowTableSource*>(source)) return arrow->blocks();
  if (const auto* memory = dynamic_cast<const MemoryTableSource*>(source)) return memory->blocks();
  return nullptr;
}

void require_vectors(const Field& field) {
  if (field.type.is_vector() || field.type.id() == TypeId::kUtf8) return;
  throw Error(ErrorKind::kTypeMismatch,
              concat("column '", field.name, "' is ", field.type.to_string(),
                     ", not vectors; vector search needs fixed_size_list<float32>, or text such as "
                     "'[1 2 3]'",
                     is_list_of_floats(field.type)
                         ? "; lists of one length become vectors by CAST(... AS FLOAT[n]) in a view"
                         : ""));
}

PlanPtr condition_plan(const PlanPtr& plan, const std::string& where, const Engine& engine) {
  PlanPtr condition = select_items(plan, {where}, engine.user_functions());
  const Schema& schema = condition->schema();
  if (schema.size() == 1 && schema.field(0).type.id() == TypeId::kBool) {
    filter_rows(plan, where, engine.user_functions());  // refuses what is no condition of one row
    return condition;
  }
  throw Error(ErrorKind::kTypeMismatch,
              concat("vector search: where is '", excerpt(where), "', which is ",
                     schema.size() == 1 ? schema.field(0).type.to_string()
                                        : concat(schema.size(), " expressions"),
                     "; it must be one condition"));
}

// Rows of `chunks` whose column is true; they are the first rows of a table of `rows`.
RowMask mask_of(const std::vector<Chunk>& chunks, size_t column, int64_t rows) {
  RowMask mask(rows);
  int64_t first = 0;
  for (const Chunk& chunk : chunks) {
    const Column& condition = *chunk.columns[column];
    if (condition.is_flat()) {
      const uint8_t* values = condition.values<uint8_t>();
      const Validity& validity = condition.validity();
      for (int64_t row = 0; row < chunk.rows; ++row) {
        if (values[row] != 0 && validity.valid(row)) mask.insert(first + row);
      }
    } else {
      for (int64_t row = 0; row < chunk.rows; ++row) {
        if (!condition.is_null(row) && condition.value(row).as_bool()) mask.insert(first + row);
      }
    }
    first += chunk.rows;
  }
  return mask;
}

// Texts as vectors of the query's dimension; an error tells that it is the query's.
ColumnPtr vectors_of(const ColumnPtr& texts, const std::string& column, int32_t dimension) {
  try {
    return cast(texts, DataType::vector(dimension));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kTypeMismatch) throw;
    throw Error(error.kind(), concat("column '", column, "', searched with a query of dimension ",
                                     dimension, ": ", error.what()));
  }
}

int64_t rows_of(const TableBlocks& blocks) {
  int64_t rows = 0;
  for (size_t block = 0; block < blocks.blocks(); ++block) rows += blocks.block_rows(block);
  return rows;
}

}  // namespace

struct VectorQueries::Input {
  std::shared_ptr<const VectorTable> table;
  std::optional<RowMask> mask;
  TableBlocksPtr blocks;        // the table's rows
  std::vector<size_t> columns;  // the wanted ones, in the blocks
  std::vector<Field> fields;    // of the wanted columns

  ManySearchRequest request(const VectorQuestion& question) const {
    ManySearchRequest request;
    request.metric = metric_from_name(question.options.metric);
    request.queries = question.queries;
    request.count = question.count;
    request.top_k = question.options.top_k;
    request.score_threshold = question.options.score_threshold;
    request.rows = mask ? &*mask : nullptr;
    return request;
  }
};

std::shared_ptr<const VectorTable> VectorQueries::table_of(const TableBlocksPtr& blocks,
                                                           size_t column, const Field& field,
                                                           int32_t dimension) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const Entry& entry : entries_) {
    if (entry.column == column && entry.dimension == dimension && entry.blocks.lock() == blocks) {
      return entry.table;
    }
  }
  auto table = std::make_shared<VectorTable>(dimension);
  // Held by the table's readers, which must not keep the source alive for the cache's sake.
  const std::weak_ptr<const TableBlocks> weak = blocks;
  for (size_t block = 0; block < blocks->blocks(); ++block) {
    if (field.type.is_vector() && blocks->vectors_in_place(column)) {
      table->append(blocks->column(block, column, 0, blocks->block_rows(block)));
      continue;
    }
    table->append_converted(
        blocks->block_rows(block),
        [weak, block, column, dimension, name = field.name](int64_t begin, int64_t count) {
          const TableBlocksPtr alive = weak.lock();
          VELARIA_CHECK(alive != nullptr);
          const ColumnPtr rows = alive->column(block, column, begin, count);
          return rows->type().is_vector() ? rows : vectors_of(rows, name, dimension);
        });
  }
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [](const Entry& entry) { return entry.blocks.expired(); }),
                 entries_.end());
  entries_.push_back({blocks, column, dimension, table});
  return table;
}

void VectorQueries::forget_unused() {
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [](const Entry& entry) { return entry.blocks.expired(); }),
                 entries_.end());
}

VectorQueries::Input VectorQueries::input_of(Engine& engine, const VectorQuestion& question) {
  metric_from_name(question.options.metric);  // before anything runs
  // What is kept of a table must not outlive the rows it has now.
  const PlanPtr plan = with_snapshots(question.plan);
  const Schema& schema = plan->schema();
  size_t column = schema.require(question.column);
  const Field& field = schema.field(column);
  require_vectors(field);
  const std::string& where = question.options.where;
  Input input;
  for (const std::string& name : question.options.columns) {
    input.columns.push_back(schema.require(name));
    input.fields.push_back(schema.field(input.columns.back()));
  }
  const auto dimension =
      field.type.is_vector()
          ? field.type.list_size()
          : static_cast<int32_t>(question.queries.size() /
                                 static_cast<size_t>(std::max<int64_t>(1, question.count)));
  input.blocks = blocks_of(*plan);
  if (input.blocks) {
    const std::vector<size_t>& scanned = static_cast<const ScanPlan&>(*plan).columns();
    column = scanned[column];
    for (size_t& wanted : input.columns) wanted = scanned[wanted];
    if (!where.empty()) {
      const QueryResult result = engine.run(condition_plan(plan, where, engine));
      input.mask = mask_of(result.chunks, 0, rows_of(*input.blocks));
    }
    input.table = table_of(input.blocks, column, field, dimension);
    return input;
  }
  // A query or a file: read once, with all that is wanted of it.
  std::vector<std::string> items{quote_name(field.name)};
  for (size_t& wanted : input.columns) {
    const std::string item = quote_name(schema.field(wanted).name);
    const auto found = std::find(items.begin(), items.end(), item);
    wanted = static_cast<size_t>(found - items.begin());
    if (found == items.end()) items.push_back(item);
  }
  const size_t condition = items.size();
  if (!where.empty()) {
    condition_plan(plan, where, engine);
    items.push_back(where);
  }
  QueryResult result = engine.run(select_items(plan, items, engine.user_functions()));
  if (!where.empty()) input.mask = mask_of(result.chunks, condition, result.rows);
  auto table = std::make_shared<VectorTable>(dimension);
  for (const Chunk& chunk : result.chunks) {
    const ColumnPtr& vectors = chunk.columns[0];
    table->append(field.type.is_vector() ? vectors : vectors_of(vectors, field.name, dimension));
  }
  input.table = std::move(table);
  input.blocks = MemoryTableSource(std::move(result.schema), std::move(result.chunks)).blocks();
  return input;
}

std::pair<Schema, Chunk> VectorQueries::run(Engine& engine, const VectorQuestion& question,
                                            bool query_ids) {
  const Input input = input_of(engine, question);
  const ManySearchRequest request = input.request(question);
  SearchControl control;
  control.pool = &engine.pool();
  control.interrupt_check = engine.options().interrupt_check;
  const std::vector<VectorSearchResult> results = search_many(*input.table, request, control);

  FixedBuilder<int64_t> queries{DataType(TypeId::kInt64)};
  FixedBuilder<int64_t> ids{DataType(TypeId::kInt64)};
  FixedBuilder<double> scores{DataType(TypeId::kFloat64)};
  std::vector<int64_t> rows;
  for (size_t query = 0; query < results.size(); ++query) {
    for (const VectorMatch& match : results[query].matches) {
      queries.append(static_cast<int64_t>(query));
      ids.append(match.row_id);
      scores.append(match.score);
      rows.push_back(match.row_id);
    }
  }
  Chunk chunk;
  chunk.rows = static_cast<int64_t>(rows.size());
  std::vector<Field> fields{{"row_id", DataType(TypeId::kInt64)},
                            {"score", DataType(TypeId::kFloat64)}};
  chunk.columns = {ids.finish(), scores.finish()};
  if (query_ids) {
    fields.insert(fields.begin(), {"query_id", DataType(TypeId::kInt64)});
    chunk.columns.insert(chunk.columns.begin(), queries.finish());
  }
  if (!input.columns.empty()) {
    std::vector<DataType> types;
    for (const Field& field : input.fields) types.push_back(field.type);
    Chunk fetched = gather_rows(*input.blocks, input.columns, rows, types);
    for (size_t i = 0; i < input.fields.size(); ++i) {
      fields.push_back(input.fields[i]);
      chunk.columns.push_back(std::move(fetched.columns[i]));
    }
  }
  return {Schema(std::move(fields)), std::move(chunk)};
}

std::string VectorQueries::explain(Engine& engine, const VectorQuestion& question) {
  const Input input = input_of(engine, question);
  return join_texts(explain_search(*input.table, input.request(question)), "\n") + "\n";
}

}  // namespace velaria
