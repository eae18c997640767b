#include "src/session/dataflow_session.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/import.h"
#include "src/column/builder.h"
#include "src/expr/aggregate_registry.h"
#include "src/expr/function_registry.h"
#include "src/expr/window_function.h"
#include "src/io/csv/csv_source.h"
#include "src/io/json/json_source.h"
#include "src/io/line/line_source.h"
#include "src/io/memory/arrow_table_source.h"
#include "src/io/memory/memory_table_source.h"
#include "src/session/engine.h"
#include "src/session/file_readers.h"
#include "src/session/file_tables.h"
#include "src/session/source_notes.h"
#include "src/session/statement_runner.h"
#include "src/session/vector_queries.h"
#include "src/sql/binder.h"
#include "src/sql/parser.h"
#include "src/sql/script.h"
#include "stream/explain.h"
#include "stream/plugin_library.h"

namespace velaria {

DataflowSession::DataflowSession(SessionOptions options)
    : engine_(std::make_shared<Engine>(std::move(options))),
      vectors_(std::make_shared<VectorQueries>()) {}

void DataflowSession::close() { engine_->close(); }

std::vector<std::string> DataflowSession::split_statements(std::string_view script) {
  return sql::split_statements(script);
}

std::vector<std::string> DataflowSession::function_names() {
  std::vector<std::string> out = FunctionRegistry::builtin().names();
  for (std::string& name : AggregateRegistry::builtin().names()) out.push_back(std::move(name));
  for (int kind = 0; kind < static_cast<int>(WindowFunctionKind::kAggregate); ++kind) {
    out.emplace_back(window_function_name(static_cast<WindowFunctionKind>(kind)));
  }
  return out;
}

std::unique_ptr<ReadableFile> DataflowSession::open_file(const std::string& path) const {
  engine_->check_open();
  return engine_->files()->open_read(path);
}

const std::shared_ptr<MemoryBudget>& DataflowSession::memory_budget() const {
  return engine_->budget();
}

ProbeResult DataflowSession::probe(const std::string& path, const InputOptions& input) const {
  return probe(std::vector<std::string>{path}, input);
}

ProbeResult DataflowSession::probe(const std::vector<std::string>& paths,
                                   const InputOptions& input) const {
  engine_->check_open();
  return probe_files(engine_->files(), paths, input, engine_->file_context());
}

DataFrame DataflowSession::read(const std::string& path,
                                const std::map<std::string, std::string>& options) const {
  return read(std::vector<std::string>{path}, options);
}

DataFrame DataflowSession::read(const std::vector<std::string>& paths,
                                const std::map<std::string, std::string>& options) const {
  engine_->check_open();
  return files_frame(open_by_probe(*engine_, paths, options, {}), paths);
}

DataFrame DataflowSession::read_csv(const std::vector<std::string>& paths,
                                    const CsvOptions& options) const {
  engine_->check_open();
  return files_frame(
      open_csv_files(engine_->files(), paths, options, engine_->file_context()).source, paths);
}

DataFrame DataflowSession::read_csv(const std::string& path, const CsvOptions& options) const {
  return read_csv(std::vector<std::string>{path}, options);
}

DataFrame DataflowSession::read_csv(const std::string& path,
                                    const std::map<std::string, std::string>& options) const {
  return read_csv(path, csv_options_from_text(options));
}

DataFrame DataflowSession::read_json(const std::vector<std::string>& paths,
                                     const JsonOptions& options) const {
  engine_->check_open();
  return files_frame(
      open_json_files(engine_->files(), paths, options, engine_->file_context()).source, paths);
}

DataFrame DataflowSession::read_json(const std::string& path, const JsonOptions& options) const {
  return read_json(std::vector<std::string>{path}, options);
}

DataFrame DataflowSession::read_json(const std::string& path,
                                     const std::map<std::string, std::string>& options) const {
  return read_json(path, json_options_from_text(options));
}

DataFrame DataflowSession::read_line_file(const std::vector<std::string>& paths,
                                          const LineOptions& options) const {
  engine_->check_open();
  return files_frame(
      open_line_files(engine_->files(), paths, options, engine_->file_context()).source, paths);
}

DataFrame DataflowSession::read_line_file(const std::string& path,
                                          const LineOptions& options) const {
  return read_line_file(std::vector<std::string>{path}, options);
}

DataFrame DataflowSession::read_line_file(const std::string& path,
                                          const std::map<std::string, std::string>& options) const {
  return read_line_file(path, line_options_from_text(options));
}

DataFrame DataflowSession::files_frame(TableSourcePtr source,
                                       const std::vector<std::string>& paths) const {
  return DataFrame(engine_, ScanPlan::all_columns(std::move(source), table_label(paths)));
}

DataFrame DataflowSession::sql(const std::string& text, const sql::Parameters& parameters) {
  DataFrame frame = run_statement(engine_, text, parameters);
  vectors_->forget_unused();
  return frame;
}

std::string DataflowSession::explain(const std::string& text, bool analyze) {
  return explain_statement(engine_, text, analyze);
}

void DataflowSession::create_function(UserFunctionPtr function) {
  engine_->add_function(std::move(function));
}

void DataflowSession::drop_function(const std::string& name) { engine_->drop_function(name); }

void DataflowSession::create_temp_view(const std::string& name, const DataFrame& frame) {
  engine_->check_open();
  Engine::Entry entry;
  entry.kind = Engine::EntryKind::kView;
  entry.name = name;
  entry.plan = frame.plan();
  engine_->add_entry(std::move(entry), true);
  vectors_->forget_unused();
}

void DataflowSession::create_temp_view(const std::string& name, const StreamingDataFrame& frame) {
  engine_->check_open();
  Engine::Entry entry;
  entry.kind = Engine::EntryKind::kStreamSource;
  entry.name = name;
  entry.plan = frame.plan();
  engine_->add_entry(std::move(entry), true);
  vectors_->forget_unused();
}

DataFrame DataflowSession::table(const std::string& name) const {
  engine_->check_open();
  return DataFrame(engine_, engine_->resolve_table(name));
}

std::vector<std::string> DataflowSession::tables() const {
  std::vector<std::string> out;
  for (const Engine::Entry& entry : engine_->entries()) out.push_back(entry.name);
  return out;
}

DataFrame DataflowSession::create_dataframe_from_arrow(ArrowArrayStream* stream) const {
  ImportedTable table = import_stream(stream);
  engine_->check_open();
  return DataFrame(engine_,
                   ScanPlan::all_columns(std::make_shared<ArrowTableSource>(std::move(table)), ""));
}

StreamSinkPtr DataflowSession::create_csv_file_sink(const std::string& path, CsvFileMode mode,
                                                    CsvOptions options) const {
  engine_->check_open();
  return make_csv_file_sink(engine_->files(), path, mode, std::move(options));
}

StreamSinkPtr DataflowSession::create_json_file_sink(const std::string& path,
                                                     CsvFileMode mode) const {
  engine_->check_open();
  return make_json_file_sink(engine_->files(), path, mode);
}

StreamSinkPtr DataflowSession::create_console_sink(ConsoleOptions options) const {
  engine_->check_open();
  return make_session_console_sink(*engine_, options);
}

namespace {

void check_queries(const std::vector<float>& queries, int64_t count) {
  if (count >= 0 &&
      (count == 0 ? queries.empty() : queries.size() % static_cast<size_t>(count) == 0)) {
    return;
  }
  throw Error(ErrorKind::kInvalidArgument,
              concat("vector search: ", queries.size(), " numbers do not make ", count,
                     " queries of one length"));
}

}  // namespace

StreamingDataFrame DataflowSession::read_stream(StreamSourcePtr source) const {
  engine_->check_open();
  return StreamingDataFrame::from_source(std::move(source), engine_->stream_environment());
}

StreamingDataFrame DataflowSession::read_stream_csv_dir(const std::string& path,
                                                        const CsvOptions& options) const {
  return read_stream_csv_dir(path, options, false);
}

StreamingDataFrame DataflowSession::read_stream_csv_dir(const std::string& path,
                                                        const CsvOptions& options,
                                                        bool follow) const {
  FileDirectoryOptions directory;
  directory.bounded = !follow;
  return read_stream_dir(path, csv_stream_format(options), std::move(directory));
}

StreamingDataFrame DataflowSession::read_stream_csv_tail(const std::string& path,
                                                         const CsvOptions& options) const {
  return read_stream_tail(path, csv_stream_format(options));
}

StreamingDataFrame DataflowSession::read_stream_dir(const std::string& path,
                                                    StreamFileFormat format,
                                                    FileDirectoryOptions options) const {
  return read_stream(
      make_file_directory_stream(engine_->files(), path, std::move(format), std::move(options)));
}

StreamingDataFrame DataflowSession::read_stream_tail(const std::string& path,
                                                     StreamFileFormat format,
                                                     FileTailOptions options) const {
  return read_stream(make_file_tail_stream(engine_->files(), path, std::move(format), options));
}

namespace {

void check_may_load(const Engine& engine, const std::string& path) {
  if (!engine.options().allowed_paths) return;
  throw Error(ErrorKind::kInvalidArgument,
              concat("'", excerpt(path),
                     "' is not loaded: a plugin may open any file, and this "
                     "session has allowed_paths; use a session without"));
}

}  // namespace

StreamingDataFrame DataflowSession::read_stream_plugin(const std::string& path,
                                                       const std::string& options) const {
  engine_->check_open();
  check_may_load(*engine_, path);
  return read_stream(load_stream_source(path, options));
}

StreamSinkPtr DataflowSession::create_plugin_sink(const std::string& path,
                                                  const std::string& options) const {
  engine_->check_open();
  check_may_load(*engine_, path);
  return load_stream_sink(path, options);
}

StreamingDataFrame DataflowSession::streamSql(const std::string& text) const {
  engine_->check_open();
  const sql::Statement statement = sql::parse_statement(text);
  const auto* select = std::get_if<sql::SelectPtr>(&statement.body);
  if (select == nullptr) {
    throw Error(
        ErrorKind::kSqlSemantic,
        "stream_sql() takes a SELECT; INSERT INTO a sink is started with start_stream_sql()");
  }
  return StreamingDataFrame(sql::bind_select(**select, *engine_, text),
                            engine_->stream_environment());
}

namespace {

struct StreamInsert {
  StreamingDataFrame frame;
  StreamSinkPtr sink;
};

// A sink writes the columns that come, under their own names: what was declared must be just that.
void check_sink_columns(const Engine::Entry& target, const Schema& schema) {
  const std::vector<Field>& declared = target.sink_columns;
  if (declared.empty()) return;
  bool same = declared.size() == schema.size();
  for (size_t i = 0; same && i < declared.size(); ++i) {
    same = equals_ignore_case(declared[i].name, schema.field(i).name) &&
           declared[i].type == schema.field(i).type;
  }
  if (same) return;
  throw Error(ErrorKind::kSqlSemantic,
              concat("sink table '", target.name, "' has the columns (",
                     Schema(declared).to_string(), "), and the query gives (", schema.to_string(),
                     "); put them in this order, name them with AS and change types with CAST"));
}

StreamInsert bind_insert(const std::shared_ptr<Engine>& engine, const std::string& text) {
  const sql::Statement statement = sql::parse_statement(text);
  const auto* insert = std::get_if<sql::InsertStatement>(&statement.body);
  if (insert == nullptr) {
    throw Error(ErrorKind::kSqlSemantic,
                "a stream query to be started says where its rows go: INSERT INTO sink SELECT ...");
  }
  constexpr std::string_view kAdvice =
      "; make a sink with CREATE SINK TABLE or register_stream_sink()";
  Engine::Entry target;
  try {
    target = engine->entry(insert->table);
  } catch (const Error& error) {
    throw Error(error.kind(), concat(error.message(), kAdvice));
  }
  if (target.kind != Engine::EntryKind::kStreamSink) {
    throw Error(ErrorKind::kTableKind, concat("'", target.name, "' is not a sink", kAdvice));
  }
  if (!insert->columns.empty()) {
    throw Error(ErrorKind::kSqlUnsupported,
                "a column list after INSERT INTO a sink is not supported; order the select list");
  }
  StreamingDataFrame frame(sql::bind_select(*insert->query, *engine, text),
                           engine->stream_environment());
  check_sink_columns(target, frame.schema());
  return {std::move(frame), target.sink};
}

}  // namespace

std::string DataflowSession::explainStreamSql(const std::string& text,
                                              const StreamOptions& options) const {
  engine_->check_open();
  const sql::Statement statement = sql::parse_statement(text);
  if (std::holds_alternative<sql::InsertStatement>(statement.body)) {
    const StreamInsert insert = bind_insert(engine_, text);
    return explain_stream(insert.frame.plan(), options, insert.frame.environment(),
                          insert.sink->blocking());
  }
  return streamSql(text).explain(options);
}

StreamingQueryPtr DataflowSession::startStreamSql(const std::string& text,
                                                  const StreamOptions& options) const {
  engine_->check_open();
  const StreamInsert insert = bind_insert(engine_, text);
  StreamingQueryPtr query = insert.frame.write_stream(insert.sink, options);
  engine_->track_query(query);
  query->start();
  return query;
}

void DataflowSession::register_stream_sink(const std::string& name, StreamSinkPtr sink) {
  engine_->check_open();
  Engine::Entry entry;
  entry.kind = Engine::EntryKind::kStreamSink;
  entry.name = name;
  entry.sink = std::move(sink);
  engine_->add_entry(std::move(entry), true);
}

DataFrame DataflowSession::vector_search(const std::string& table, const std::string& vector_column,
                                         const std::vector<float>& query_vector, int64_t top_k,
                                         const std::string& metric) const {
  return vector_search(table, vector_column, query_vector, VectorSearchOptions{top_k, metric});
}

DataFrame DataflowSession::vector_search(const std::string& table, const std::string& vector_column,
                                         const std::vector<float>& query_vector,
                                         const VectorSearchOptions& options) const {
  engine_->check_open();
  return run_vector_search({engine_->resolve_table(table), vector_column, query_vector, 1, options},
                           false);
}

DataFrame DataflowSession::vector_search_many(const std::string& table,
                                              const std::string& vector_column,
                                              const std::vector<float>& query_vectors,
                                              int64_t count,
                                              const VectorSearchOptions& options) const {
  engine_->check_open();
  check_queries(query_vectors, count);
  return run_vector_search(
      {engine_->resolve_table(table), vector_column, query_vectors, count, options}, true);
}

DataFrame DataflowSession::run_vector_search(const VectorQuestion& question, bool query_ids) const {
  auto [schema, chunk] = vectors_->run(*engine_, question, query_ids);
  auto found = std::make_shared<MemoryTableSource>(schema, std::vector<Chunk>{std::move(chunk)});
  return DataFrame(engine_, ScanPlan::all_columns(std::move(found), "vector_search"),
                   warnings_of_plan(*question.plan));
}

std::string DataflowSession::explain_vector_search(const std::string& table,
                                                   const std::string& vector_column,
                                                   const std::vector<float>& query_vector,
                                                   int64_t top_k, const std::string& metric) const {
  return explain_vector_search(table, vector_column, query_vector, 1,
                               VectorSearchOptions{top_k, metric});
}

std::string DataflowSession::explain_vector_search(const std::string& table,
                                                   const std::string& vector_column,
                                                   const std::vector<float>& query_vectors,
                                                   int64_t count,
                                                   const VectorSearchOptions& options) const {
  engine_->check_open();
  check_queries(query_vectors, count);
  return vectors_->explain(
      *engine_, {engine_->resolve_table(table), vector_column, query_vectors, count, options});
}

}  // namespace velaria
