#include "src/session/file_tables.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/connectors/csv_directory_source.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/json_directory_source.h"
#include "stream/stream_table_source.h"

namespace velaria {

TableFile file_table_of(const sql::CreateTableStatement& create) {
  TableFile out;
  for (const auto& [name, value] : create.options) {
    if (equals_ignore_case(name, "path")) {
      if (value.is_null() || value.type().id() != TypeId::kUtf8 || value.as_text().empty()) {
        throw Error(ErrorKind::kInvalidArgument, concat("OPTIONS(path: ...) of table ", create.name,
                                                        " must be a text in quotes"));
      }
      out.path = value.as_text();
    } else {
      out.options[name] = value.to_string();
    }
  }
  if (out.path.empty()) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("table ", create.name, " needs OPTIONS(path: '...')"));
  }
  return out;
}

namespace {

Engine::Entry make_json_stream_table(const Engine& engine, const sql::CreateTableStatement& create,
                                     const TableFile& file) {
  Engine::Entry entry;
  entry.name = create.name;
  if (create.kind == sql::CreateTableStatement::Kind::kSink) {
    if (!file.options.empty()) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("sink table ", create.name, " USING json takes a path only, not option '",
                         file.options.begin()->first, "'"));
    }
    entry.kind = Engine::EntryKind::kStreamSink;
    entry.sink = make_json_file_sink(engine.files(), file.path);
    return entry;
  }
  JsonDirectoryOptions directory;
  directory.json = json_options_from_text(file.options);
  for (const sql::ColumnDefinition& column : create.columns) {
    directory.json.columns.push_back({column.name, column.type});
  }
  entry.kind = Engine::EntryKind::kStreamSource;
  entry.plan = ScanPlan::all_columns(std::make_shared<StreamTableSource>(make_json_directory_stream(
                                         engine.files(), file.path, std::move(directory))),
                                     create.name);
  return entry;
}

}  // namespace

Engine::Entry make_stream_table(const Engine& engine, const sql::CreateTableStatement& create) {
  const bool sink = create.kind == sql::CreateTableStatement::Kind::kSink;
  if (create.query) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("CREATE ", sink ? "SINK" : "SOURCE", " TABLE ", create.name,
                       " takes OPTIONS(path: '...'), not AS SELECT"));
  }
  const bool json = equals_ignore_case(create.format, "json");
  if (!create.format.empty() && !json && !equals_ignore_case(create.format, "csv")) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat("USING ", create.format, " is not supported; csv and json are streamed"));
  }
  const TableFile file = file_table_of(create);
  if (json) return make_json_stream_table(engine, create, file);
  CsvOptions options = csv_options_from_text(file.options);
  for (const sql::ColumnDefinition& column : create.columns) {
    options.columns.push_back({column.name, column.type});
  }
  Engine::Entry entry;
  entry.name = create.name;
  if (sink) {
    entry.kind = Engine::EntryKind::kStreamSink;
    entry.sink = make_csv_file_sink(engine.files(), file.path, CsvFileMode::kReplace, options);
    return entry;
  }
  entry.kind = Engine::EntryKind::kStreamSource;
  CsvDirectoryOptions directory;
  directory.csv = std::move(options);
  entry.plan = ScanPlan::all_columns(std::make_shared<StreamTableSource>(make_csv_directory_stream(
                                         engine.files(), file.path, std::move(directory))),
                                     create.name);
  return entry;
}

}  // namespace velaria
