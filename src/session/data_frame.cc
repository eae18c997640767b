#include "src/session/data_frame.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/export.h"
#include "src/kernel/take.h"
#include "src/session/engine.h"
#include "src/session/file_writers.h"
#include "src/session/frame_verbs.h"
#include "src/session/source_notes.h"
#include "src/session/text_table.h"

namespace velaria {

namespace {

// Consumers pay per record batch, so small chunks go out together. Neighbouring slices of one
// buffer are joined without a copy.
constexpr int64_t kExportRows = 128 * 1024;

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

void DataFrame::export_arrow(ArrowArrayStream* out) const { export_result(collect(), out); }

int64_t DataFrame::write(const std::string& path,
                         const std::map<std::string, std::string>& options) const {
  engine_->check_open();
  return write_file(*engine_, plan_, path, options, "write");
}

void export_result(QueryResult result, ArrowArrayStream* out) {
  std::vector<DataType> types;
  for (const Field& field : result.schema.fields()) types.push_back(field.type);
  auto chunks = std::make_shared<std::vector<Chunk>>(std::move(result.chunks));
  export_stream(
      result.schema,
      [chunks, types, next = size_t{0}](Chunk* chunk) mutable {
        if (next == chunks->size()) return false;
        std::vector<Chunk> group;
        int64_t rows = 0;
        while (next < chunks->size() &&
               (group.empty() || rows + (*chunks)[next].rows <= kExportRows)) {
          rows += (*chunks)[next].rows;
          group.push_back(std::move((*chunks)[next++]));
        }
        *chunk = concatenate_chunks(group, types);
        return true;
      },
      out);
}

std::vector<std::string> DataFrame::warnings() const { return warnings_of_plan(*plan_); }

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
  // One row more than is shown tells whether there are more.
  const QueryResult result = limit(most_rows + 1).collect();
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
