// A batch query that has not run yet, or has: a plan and the session it runs in.
//
//   DataFrame flights = session.read_csv("flights.csv");
//   DataFrame late = flights.filter("arr_delay > 60").group_by({"carrier"}).agg({"count(*) AS n"});
//   std::string table = late.order_by({"n DESC"}).to_text();
//
// Frames are small immutable values that share the session's engine and keep it alive. Any thread
// may use a frame; each run is a query of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/column/arrow/c_data.h"
#include "src/column/chunk.h"
#include "src/plan/logical_plan.h"
#include "src/session/query_profile.h"

namespace velaria {

class Engine;
class QueryMonitor;
class ResultStream;

// The rows of a query, in order.
struct QueryResult {
  Schema schema;
  std::vector<Chunk> chunks;  // without selections
  int64_t rows = 0;
};

// Rows as a stream of record batches; buffers are shared where the layouts agree. The caller
// releases `out`.
void export_result(QueryResult result, ArrowArrayStream* out);

class GroupedDataFrame;

class DataFrame {
 public:
  // `warnings`: of what was read to make the rows, where the plan does not read it any more.
  DataFrame(std::shared_ptr<Engine> engine, PlanPtr plan, std::vector<std::string> warnings = {})
      : engine_(std::move(engine)), plan_(std::move(plan)), warnings_(std::move(warnings)) {}

  const Schema& schema() const { return plan_->schema(); }
  const PlanPtr& plan() const { return plan_; }
  const std::shared_ptr<Engine>& engine() const { return engine_; }

  // Runs the query. Throws what the query throws; CancelledError when it is interrupted, or
  // cancelled by `monitor`, which watches this run.
  QueryResult collect(QueryMonitor* monitor = nullptr) const;
  // A frame over rows that are there already, in the same session.
  DataFrame with_rows(QueryResult rows) const;
  int64_t count() const;
  // The rows bit by bit, see ResultStream.
  std::shared_ptr<ResultStream> stream() const;
  // stream() as record batches; buffers are shared, not copied, where the layouts agree. The first
  // batch is made here, so that most errors are thrown here; those behind it are the stream's.
  // `around`, when given, runs the work of each further batch. The caller releases `out`.
  using Around = std::function<void(const std::function<void()>& work)>;
  void export_arrow(ArrowArrayStream* out, Around around = nullptr) const;
  // The same rows in a schema of the same names, with types that hold every value unchanged; see
  // docs/runtime-contract.md. SqlSemanticError for other names, TypeMismatchError for types that
  // do not; an integer beyond a narrower type fails the query.
  DataFrame as_schema(const Schema& wanted) const;

  // What the readers of its files have to say: columns renamed, rows left out. Of a statement that
  // wrote rows and of a vector search: what the readers of its tables have to say.
  std::vector<std::string> warnings() const;
  // The rows that on_error = skip left out: file, line, byte, column, value, reason.
  // InvalidArgumentError when nothing was read so.
  DataFrame rejects() const;

  // Run the query and write its rows to a file, which holds either what it held before or all of
  // them; give their number. write(): COPY TO with the same options (file_writers.h); the others
  // are the same with a format, whatever the path ends in. Throw what the query throws,
  // FileAccessError, InvalidArgumentError for a bad option.
  int64_t write(const std::string& path,
                const std::map<std::string, std::string>& options = {}) const;
  int64_t write_csv(const std::string& path,
                    const std::map<std::string, std::string>& options = {}) const;
  int64_t write_json(const std::string& path,
                     const std::map<std::string, std::string>& options = {}) const;

  // Logical plan, optimized plan and pipelines, each under a heading line.
  std::string explain() const;
  // Runs the query, throws its rows away and tells where the time went.
  QueryProfile analyze() const;
  // The first rows as an aligned text table. InvalidArgumentError for a negative number.
  std::string to_text(int64_t most_rows = 20) const;

  // Verbs take SQL expressions over the frame's columns: "distance / 60 AS hours", "n DESC".
  // Errors are those of the same SQL.
  DataFrame select(const std::vector<std::string>& items) const;
  DataFrame filter(const std::string& condition) const;
  DataFrame with_column(const std::string& name, const std::string& expression) const;
  DataFrame drop(const std::vector<std::string>& columns) const;
  DataFrame order_by(const std::vector<std::string>& keys) const;
  DataFrame limit(int64_t rows, int64_t offset = 0) const;
  DataFrame distinct() const;
  // Adds `output_column`: the start of each window of `window_ms` that covers the row, a multiple
  // of `slide_ms` since 1970-01-01, one row per window; rows without a time are left out.
  // `slide_ms` is from 1 to window_ms. Throws as StreamingDataFrame::window() does.
  DataFrame time_window(const std::string& time_column, int64_t window_ms,
                        const std::string& output_column, int64_t slide_ms) const;
  GroupedDataFrame group_by(std::vector<std::string> keys) const;

  // Verbs over two frames of one session.
  // `how`: inner, left, right, full, semi (rows with a match), anti (rows without one), cross. `on`
  // are columns that both have, and that come out once.
  DataFrame join(const DataFrame& other, const std::vector<std::string>& on,
                 const std::string& how = "inner") const;
  // `condition`: SQL over l (this frame) and r (the other one), "l.id = r.id AND l.n > r.n".
  DataFrame join_where(const DataFrame& other, const std::string& condition,
                       const std::string& how = "inner") const;
  // As in SQL: columns by position, union, intersect and except without repetitions.
  DataFrame union_all(const DataFrame& other) const;
  DataFrame union_distinct(const DataFrame& other) const;
  DataFrame intersect(const DataFrame& other) const;
  DataFrame except(const DataFrame& other) const;
  DataFrame rename(const std::vector<std::pair<std::string, std::string>>& old_and_new) const;

 private:
  DataFrame combine(const DataFrame& other, const char* operation) const;
  void check_same_session(const DataFrame& other) const;

  std::shared_ptr<Engine> engine_;
  PlanPtr plan_;
  std::vector<std::string> warnings_;
};

class GroupedDataFrame {
 public:
  GroupedDataFrame(DataFrame frame, std::vector<std::string> keys)
      : frame_(std::move(frame)), keys_(std::move(keys)) {}
  // The keys, then the aggregates: {"count(*) AS flights", "avg(arr_delay)"}.
  DataFrame agg(const std::vector<std::string>& aggregates) const;

 private:
  DataFrame frame_;
  std::vector<std::string> keys_;
};

}  // namespace velaria
