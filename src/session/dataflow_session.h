// The front door: a session with its tables, files, queries, streams and vectors.
//
//   DataflowSession session;
//   session.create_temp_view("flights", session.read_csv("flights.csv"));
//   DataFrame late = session.sql("SELECT carrier, avg(arr_delay) AS delay FROM flights "
//                                "GROUP BY carrier ORDER BY delay DESC LIMIT 5");
//   std::cout << late.to_text();
//
// Sessions are independent of each other: nothing is shared in the process. Every member may be
// called from any thread. All failures are velaria::Error; the session stays usable after one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/file_system.h"
#include "src/column/arrow/c_data.h"
#include "src/expr/user_function.h"
#include "src/io/file_options.h"
#include "src/io/json/json_options.h"
#include "src/io/line/line_options.h"
#include "src/io/probe/probe.h"
#include "src/session/data_frame.h"
#include "src/session/session_options.h"
#include "src/session/vector_search_options.h"
#include "src/sql/parameters.h"
#include "stream/connectors/console_sink.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/file_directory_source.h"
#include "stream/connectors/file_tail_source.h"
#include "stream/connectors/realtime_stream_sink.h"
#include "stream/connectors/realtime_stream_source.h"
#include "stream/streaming_data_frame.h"

namespace velaria {

class MemoryBudget;
class VectorQueries;
struct VectorQuestion;

class DataflowSession {
 public:
  explicit DataflowSession(SessionOptions options = {});

  // Stops what runs in the background and forgets the tables. Frames of the session fail
  // afterwards.
  void close();

  // ---- files. Paths are of the local file system.
  // `path` may stand for several files (src/io/file_list.h): a pattern or a directory.
  ProbeResult probe(const std::string& path, const InputOptions& input = {}) const;
  ProbeResult probe(const std::vector<std::string>& paths, const InputOptions& input = {}) const;
  // Probes, then reads with exactly the settings that were found. `options` (see the reader of the
  // probed kind) go over what was found.
  DataFrame read(const std::string& path,
                 const std::map<std::string, std::string>& options = {}) const;
  DataFrame read(const std::vector<std::string>& paths,
                 const std::map<std::string, std::string>& options = {}) const;
  DataFrame read_csv(const std::vector<std::string>& paths, const CsvOptions& options = {}) const;
  DataFrame read_csv(const std::string& path, const CsvOptions& options = {}) const;
  DataFrame read_csv(const std::string& path,
                     const std::map<std::string, std::string>& options) const;
  DataFrame read_json(const std::vector<std::string>& paths, const JsonOptions& options = {}) const;
  DataFrame read_json(const std::string& path, const JsonOptions& options = {}) const;
  DataFrame read_json(const std::string& path,
                      const std::map<std::string, std::string>& options) const;
  DataFrame read_line_file(const std::vector<std::string>& paths,
                           const LineOptions& options = {}) const;
  DataFrame read_line_file(const std::string& path, const LineOptions& options = {}) const;
  DataFrame read_line_file(const std::string& path,
                           const std::map<std::string, std::string>& options) const;

  // ---- batch SQL. Queries give a frame that runs when its rows are asked for; other statements
  // run at once and give a frame that tells what they did.
  // `parameters` are the values of ?, $1 or $name in the text.
  DataFrame sql(const std::string& text, const sql::Parameters& parameters = {});
  // The texts of a script's statements; see src/sql/script.h.
  static std::vector<std::string> split_statements(std::string_view script);
  // What SQL calls by name: scalar, aggregate and window functions, and operators.
  static std::vector<std::string> function_names();
  // The plans of a query; with `analyze` the query runs, and the text tells where the time went.
  std::string explain(const std::string& text, bool analyze = false);

  // A scalar function for SQL and frame verbs of this session; replaces one of the same name.
  // InvalidArgumentError for the name of a built-in one.
  void create_function(UserFunctionPtr function);
  void drop_function(const std::string& name);

  // A name for SQL; names ignore case, and one that is there already is replaced, whatever it was.
  void create_temp_view(const std::string& name, const DataFrame& frame);
  // A table, view or stream source by its name. CatalogError with a suggestion for an unknown one,
  // TableKindError for a sink.
  DataFrame table(const std::string& name) const;
  // The names of all tables, views, stream sources and sinks, in order.
  std::vector<std::string> tables() const;

  // ---- Arrow. Takes `stream` over, also when this throws; rows are kept where they lie.
  DataFrame create_dataframe_from_arrow(ArrowArrayStream* stream) const;

  // ---- streams
  StreamingDataFrame read_stream(std::shared_ptr<StreamSource> source) const;
  StreamingDataFrame read_stream_csv_dir(const std::string& path,
                                         const CsvOptions& options = {}) const;
  // With `follow` the stream has no end: files that come later are read too.
  StreamingDataFrame read_stream_csv_dir(const std::string& path, const CsvOptions& options,
                                         bool follow) const;
  // The files of a directory, of any format; see file_directory_source.h.
  StreamingDataFrame read_stream_dir(const std::string& path, StreamFileFormat format,
                                     FileDirectoryOptions options = {}) const;
  // One growing file, without an end unless the options say so; see file_tail_source.h.
  StreamingDataFrame read_stream_tail(const std::string& path, StreamFileFormat format,
                                      FileTailOptions options = {}) const;
  StreamingDataFrame read_stream_csv_tail(const std::string& path,
                                          const CsvOptions& options = {}) const;
  // Of a shared library (plugin_library.h), which runs with all rights of this process:
  // InvalidArgumentError in a session with allowed_paths.
  StreamingDataFrame read_stream_plugin(const std::string& path,
                                        const std::string& options = "") const;
  std::shared_ptr<StreamSink> create_plugin_sink(const std::string& path,
                                                 const std::string& options = "") const;
  void create_temp_view(const std::string& name, const StreamingDataFrame& frame);
  // A SELECT over streams.
  StreamingDataFrame streamSql(const std::string& text) const;
  // Three sections: logical, physical, strategy.
  std::string explainStreamSql(const std::string& text, const StreamOptions& options = {}) const;
  // INSERT INTO sink SELECT ...; the query is already running when this returns.
  std::shared_ptr<StreamingQuery> startStreamSql(const std::string& text,
                                                 const StreamOptions& options = {}) const;
  // A name for INSERT INTO in stream SQL; replaces what has it.
  void register_stream_sink(const std::string& name, std::shared_ptr<StreamSink> sink);
  // A CSV file as a sink, written through the session's file system (and its allowed_paths).
  std::shared_ptr<StreamSink> create_csv_file_sink(const std::string& path,
                                                   CsvFileMode mode = CsvFileMode::kReplace,
                                                   CsvOptions options = {}) const;
  // The same as JSON lines, an object for each row; the query is refused when two columns have one
  // name.
  std::shared_ptr<StreamSink> create_json_file_sink(const std::string& path,
                                                    CsvFileMode mode = CsvFileMode::kReplace) const;

  // Prints to the session's console_writer, else to standard output; see console_sink.h.
  std::shared_ptr<StreamSink> create_console_sink(ConsoleOptions options = {}) const;

  // ---- vectors: exact top-k over a fixed_size_list<float32> column (text vectors such as
  // "[1 2 3]" are read as such). Gives row_id int64 and score float64, best first.
  DataFrame vector_search(const std::string& table, const std::string& vector_column,
                          const std::vector<float>& query_vector, int64_t top_k = 10,
                          const std::string& metric = "cosine") const;
  DataFrame vector_search(const std::string& table, const std::string& vector_column,
                          const std::vector<float>& query_vector,
                          const VectorSearchOptions& options) const;
  // `count` queries of one dimension, one after the other; for many the table is read once. Gives
  // query_id int64 before the columns of vector_search(): the answers of the first query first.
  DataFrame vector_search_many(const std::string& table, const std::string& vector_column,
                               const std::vector<float>& query_vectors, int64_t count,
                               const VectorSearchOptions& options = {}) const;
  std::string explain_vector_search(const std::string& table, const std::string& vector_column,
                                    const std::vector<float>& query_vector, int64_t top_k = 10,
                                    const std::string& metric = "cosine") const;
  std::string explain_vector_search(const std::string& table, const std::string& vector_column,
                                    const std::vector<float>& query_vectors, int64_t count,
                                    const VectorSearchOptions& options) const;

  // ---- for readers of other formats that a layer above brings
  // A file that this session may read; see allowed_paths.
  std::unique_ptr<ReadableFile> open_file(const std::string& path) const;
  // What the session's rows count against.
  const std::shared_ptr<MemoryBudget>& memory_budget() const;

  const std::shared_ptr<Engine>& engine() const { return engine_; }

 private:
  DataFrame files_frame(TableSourcePtr source, const std::vector<std::string>& paths) const;
  DataFrame run_vector_search(const VectorQuestion& question, bool query_ids) const;

  std::shared_ptr<Engine> engine_;
  std::shared_ptr<VectorQueries> vectors_;
};

}  // namespace velaria
