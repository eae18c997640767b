#include "src/session/data_frame.h"

#include <deque>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/export.h"
#include "src/expr/bound_expression.h"
#include "src/io/console_table.h"
#include "src/kernel/take.h"
#include "src/session/engine.h"
#include "src/session/file_writers.h"
#include "src/session/frame_verbs.h"
#include "src/session/result_stream.h"
#include "src/session/source_notes.h"

namespace velaria {

namespace {

// Consumers pay per record batch, so small chunks go out together. Neighbouring slices of one
// buffer are joined without a copy.
constexpr int64_t kExportRows = 128 * 1024;

std::vector<DataType> types_of(const Schema& schema) {
  std::vector<DataType> types;
  for (const Field& field : schema.fields()) types.push_back(field.type);
  return types;
}

class BatchesOfRows {
 public:
  // `rows` gives the next chunk, or false.
  BatchesOfRows(std::function<bool(Chunk*)> rows, std::vector<DataType> types)
      : rows_(std::move(rows)), types_(std::move(types)) {}

  bool next(Chunk* batch) {
    std::vector<Chunk> group;
    int64_t rows = 0;
    while (next_ || read()) {
      if (!group.empty() && rows + next_->rows > kExportRows) break;
      rows += next_->rows;
      group.push_back(std::move(*next_));
      next_.reset();
    }
    if (group.empty()) return false;
    *batch = concatenate_chunks(group, types_);
    return true;
  }

 private:
  bool read() {
    if (ended_) return false;
    Chunk chunk;
    ended_ = !rows_(&chunk);
    if (ended_) return false;
    next_ = std::move(chunk);
    return true;
  }

  const std::function<bool(Chunk*)> rows_;
  const std::vector<DataType> types_;
  std::optional<Chunk> next_;
  bool ended_ = false;
};

// Whether a checked cast either keeps a value or is an error.
bool keeps_every_value(const DataType& from, const DataType& to) {
  const auto bits = [](const DataType& type) {
    switch (type.id()) {
      case TypeId::kInt8:
      case TypeId::kUInt8: return 8;
      case TypeId::kInt16:
      case TypeId::kUInt16: return 16;
      case TypeId::kInt32:
      case TypeId::kUInt32: return 32;
      case TypeId::kInt64:
      case TypeId::kUInt64: return 64;
      default: return 0;  // no integer
    }
  };
  const int from_bits = bits(from);
  if (from.is_null()) return true;
  switch (to.id()) {
    case TypeId::kFloat64:
      return from.id() == TypeId::kFloat32 || from_bits == 8 || from_bits == 16 || from_bits == 32;
    case TypeId::kFloat32: return from_bits == 8 || from_bits == 16;
    case TypeId::kDecimal128:
      if (from.id() == TypeId::kDecimal128) return to.scale() >= from.scale();
      return from_bits > 0;
    case TypeId::kTimestamp:
      return from.id() == TypeId::kTimestamp && from.time_zone() == to.time_zone() &&
             units_per_second(to.unit()) >= units_per_second(from.unit());
    default: return from_bits > 0 && bits(to) > 0;
  }
}

}  // namespace

QueryResult DataFrame::collect(QueryMonitor* monitor) const { return engine_->run(plan_, monitor); }

DataFrame DataFrame::with_rows(QueryResult rows) const {
  return DataFrame(engine_,
                   ScanPlan::all_columns(
                       engine_->memory_table(std::move(rows.schema), std::move(rows.chunks)), ""));
}

int64_t DataFrame::count() const {
  const DataFrame counted(engine_, aggregate_rows(plan_, {}, {"count(*) AS n"}));
  const QueryResult result = counted.collect();
  return result.chunks.at(0).columns.at(0)->value(0).as_int64();
}

std::shared_ptr<ResultStream> DataFrame::stream() const { return engine_->stream(plan_); }

void DataFrame::export_arrow(ArrowArrayStream* out, Around around) const {
  const auto batches = std::make_shared<BatchesOfRows>(
      [rows = stream()](Chunk* chunk) { return rows->next(chunk); }, types_of(schema()));
  const auto first = std::make_shared<std::optional<Chunk>>(Chunk());
  if (!batches->next(&**first)) first->reset();
  export_stream(
      schema(),
      [batches, first, around](Chunk* chunk) {
        if (*first) {
          *chunk = std::move(**first);
          first->reset();
          return true;
        }
        bool more = false;
        const auto work = [&] { more = batches->next(chunk); };
        around ? around(work) : work();
        return more;
      },
      out);
}

DataFrame DataFrame::as_schema(const Schema& wanted) const {
  const Schema& own = schema();
  if (wanted == own) return *this;
  if (wanted.names() != own.names()) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("the requested schema has the columns ",
                       excerpt(join_texts(wanted.names(), ", "), 300), "; the rows have ",
                       excerpt(join_texts(own.names(), ", "), 300)));
  }
  std::vector<BoundExpressionPtr> expressions;
  for (size_t i = 0; i < own.size(); ++i) {
    const Field& field = own.field(i);
    const DataType& type = wanted.field(i).type;
    expressions.push_back(bound_column(i, field.type, field.name));
    if (type == field.type) continue;
    if (!keeps_every_value(field.type, type)) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("column '", field.name, "' is requested as ", type.to_string(),
                         ", which cannot hold every ", field.type.to_string(),
                         " unchanged; convert it in the query with CAST, or request its own type"));
    }
    expressions.back() = bound_cast(std::move(expressions.back()), type);
  }
  return DataFrame(engine_,
                   std::make_shared<ProjectPlan>(plan_, std::move(expressions), own.names()));
}

int64_t DataFrame::write(const std::string& path,
                         const std::map<std::string, std::string>& options) const {
  engine_->check_open();
  return write_file(*engine_, plan_, path, options, "write");
}

void export_result(QueryResult result, ArrowArrayStream* out) {
  const auto rest = std::make_shared<std::deque<Chunk>>(
      std::make_move_iterator(result.chunks.begin()), std::make_move_iterator(result.chunks.end()));
  const auto batches = std::make_shared<BatchesOfRows>(
      [rest](Chunk* chunk) {
        if (rest->empty()) return false;
        *chunk = std::move(rest->front());
        rest->pop_front();
        return true;
      },
      types_of(result.schema));
  export_stream(result.schema, [batches](Chunk* chunk) { return batches->next(chunk); }, out);
}

std::vector<std::string> DataFrame::warnings() const {
  std::vector<std::string> out = warnings_;
  add_warnings_of_plan(*plan_, &out);
  return out;
}

DataFrame DataFrame::rejects() const {
  return DataFrame(engine_, ScanPlan::all_columns(rejects_of_plan(*plan_, ""), "rejects"));
}

int64_t DataFrame::write_csv(const std::string& path,
                             const std::map<std::string, std::string>& options) const {
  std::map<std::string, std::string> all = options;
  all["format"] = "csv";
  return write_file(*engine_, plan_, path, all, "write_csv");
}

int64_t DataFrame::write_json(const std::string& path,
                              const std::map<std::string, std::string>& options) const {
  std::map<std::string, std::string> all = options;
  all["format"] = "json";
  return write_file(*engine_, plan_, path, all, "write_json");
}

std::string DataFrame::explain() const { return engine_->explain(plan_); }
QueryProfile DataFrame::analyze() const { return engine_->analyze(plan_); }

std::string DataFrame::to_text(int64_t most_rows) const {
  if (most_rows < 0) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("most_rows is ", most_rows, "; it must be 0 or more"));
  }
  // One row more than is shown tells whether there are more.
  const QueryResult result = limit(most_rows == INT64_MAX ? most_rows : most_rows + 1).collect();
  return format_table(result.schema, result.chunks, most_rows);
}

DataFrame DataFrame::select(const std::vector<std::string>& items) const {
  return DataFrame(engine_, select_items(plan_, items, engine_->user_functions()));
}
DataFrame DataFrame::filter(const std::string& condition) const {
  return DataFrame(engine_, filter_rows(plan_, condition, engine_->user_functions()));
}
DataFrame DataFrame::with_column(const std::string& name, const std::string& expression) const {
  return DataFrame(engine_, add_column(plan_, name, expression, engine_->user_functions()));
}
DataFrame DataFrame::drop(const std::vector<std::string>& columns) const {
  return DataFrame(engine_, drop_columns(plan_, columns));
}
DataFrame DataFrame::order_by(const std::vector<std::string>& keys) const {
  return DataFrame(engine_, order_rows(plan_, keys, engine_->user_functions()));
}
DataFrame DataFrame::limit(int64_t rows, int64_t offset) const {
  return DataFrame(engine_, limit_rows(plan_, rows, offset));
}
DataFrame DataFrame::distinct() const { return DataFrame(engine_, distinct_rows(plan_)); }
DataFrame DataFrame::time_window(const std::string& time_column, int64_t window_ms,
                                 const std::string& output_column, int64_t slide_ms) const {
  return DataFrame(engine_, window_rows(plan_, time_column, window_ms, output_column, slide_ms));
}
void DataFrame::check_same_session(const DataFrame& other) const {
  if (engine_ == other.engine_) return;
  throw Error(ErrorKind::kInvalidArgument,
              "both frames must be of one session; hand the other one over through Arrow");
}

DataFrame DataFrame::join(const DataFrame& other, const std::vector<std::string>& on,
                          const std::string& how) const {
  check_same_session(other);
  return DataFrame(engine_, join_frames(plan_, other.plan_, how, on, ""));
}
DataFrame DataFrame::join_where(const DataFrame& other, const std::string& condition,
                                const std::string& how) const {
  check_same_session(other);
  return DataFrame(engine_,
                   join_frames(plan_, other.plan_, how, {}, condition, engine_->user_functions()));
}
DataFrame DataFrame::combine(const DataFrame& other, const char* operation) const {
  check_same_session(other);
  return DataFrame(engine_, combine_frames(plan_, other.plan_, operation));
}
DataFrame DataFrame::union_all(const DataFrame& other) const { return combine(other, "UNION ALL"); }
DataFrame DataFrame::union_distinct(const DataFrame& other) const {
  return combine(other, "UNION");
}
DataFrame DataFrame::intersect(const DataFrame& other) const { return combine(other, "INTERSECT"); }
DataFrame DataFrame::except(const DataFrame& other) const { return combine(other, "EXCEPT"); }
DataFrame DataFrame::rename(
    const std::vector<std::pair<std::string, std::string>>& old_and_new) const {
  return DataFrame(engine_, rename_columns(plan_, old_and_new));
}
GroupedDataFrame DataFrame::group_by(std::vector<std::string> keys) const {
  return GroupedDataFrame(*this, std::move(keys));
}

DataFrame GroupedDataFrame::agg(const std::vector<std::string>& aggregates) const {
  return DataFrame(frame_.engine(), aggregate_rows(frame_.plan(), keys_, aggregates,
                                                   frame_.engine()->user_functions()));
}

}  // namespace velaria
