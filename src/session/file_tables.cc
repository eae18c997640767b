#include "src/session/file_tables.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/connectors/csv_directory_source.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/stream_table_source.h"

namespace velaria {

FileTable file_table_of(const sql::CreateTableStatement& create) {
  FileTable out;
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

std::map<std::string, std::string> with_probed_csv_options(
    const ProbeResult& probed, std::map<std::string, std::string> options) {
  if (probed.kind != "csv") {
    throw Error(ErrorKind::kSqlUnsupported,
                concat("'", probed.path, "' looks like ", probed.final_format,
                       ", which cannot be read yet; say that it is CSV (USING csv, or read_csv) to "
                       "read it so"));
  }
  // emplace: what was given stays.
  options.emplace("delimiter", probed.delimiter);
  options.emplace("quote", probed.quote == '\0' ? std::string() : std::string(1, probed.quote));
  options.emplace("header", probed.header ? "true" : "false");
  if (!probed.encoding_confidence.empty()) options.emplace("encoding", probed.encoding);
  if (!probed.null_texts.empty()) options.emplace("null_text", join_texts(probed.null_texts, ","));
  return options;
}

Engine::Entry make_stream_table(const Engine& engine, const sql::CreateTableStatement& create) {
  const bool sink = create.kind == sql::CreateTableStatement::Kind::kSink;
  if (create.query) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("CREATE ", sink ? "SINK" : "SOURCE", " TABLE ", create.name,
                       " takes OPTIONS(path: '...'), not AS SELECT"));
  }
  if (!create.format.empty() && !equals_ignore_case(create.format, "csv")) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat("USING ", create.format, " is not supported; this build streams csv"));
  }
  const FileTable file = file_table_of(create);
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
