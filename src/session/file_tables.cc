#include "src/session/file_tables.h"

#include <unistd.h>

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/option_texts.h"
#include "src/session/file_readers.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/file_directory_source.h"
#include "stream/connectors/file_tail_source.h"
#include "stream/connectors/rate_source.h"
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

using Create = sql::CreateTableStatement;

[[noreturn]] void refuse_format(const Create& create, const std::vector<std::string>& known) {
  throw Error(ErrorKind::kSqlUnsupported,
              concat("USING ", create.format, " is not supported",
                     did_you_mean(to_lower_ascii(create.format), known), "; ",
                     create.kind == Create::Kind::kSink ? "sinks" : "sources", " are ",
                     join_texts(known, ", ")));
}

// OPTIONS of what has no file, all as texts.
OptionTexts option_texts_of(const Create& create) {
  OptionTexts out;
  for (const auto& [name, value] : create.options) out[name] = value.to_string();
  return out;
}

std::vector<Field> columns_of(const Create& create) {
  std::vector<Field> out;
  for (const sql::ColumnDefinition& column : create.columns) {
    out.push_back({column.name, column.type});
  }
  return out;
}

void refuse_columns(const Create& create) {
  if (create.columns.empty()) return;
  throw Error(ErrorKind::kInvalidArgument, concat("table ", create.name, " USING ", create.format,
                                                  " takes no column list: its columns are fixed"));
}

StreamFileFormat stream_format(const std::string& reader, const OptionTexts& options,
                               const std::vector<Field>& columns) {
  if (reader == "json") {
    JsonOptions json = json_options_from_text(options);
    set_reader_columns(columns, &json);
    return json_stream_format(std::move(json));
  }
  if (reader == "line") {
    LineOptions line = line_options_from_text(options);
    set_reader_columns(columns, &line);
    return line_stream_format(std::move(line));
  }
  CsvOptions csv = csv_options_from_text(options);
  if (!columns.empty()) csv.columns = columns;
  return csv_stream_format(std::move(csv));
}

// Takes what is for the stream out of the options, and leaves what is for the reader.
OptionTexts take_stream_options(OptionTexts* options) {
  OptionTexts taken;
  for (auto option = options->begin(); option != options->end();) {
    const std::string key = to_lower_ascii(option->first);
    if (key == "follow" || key == "order" || key == "pattern" || key == "settle_ms") {
      taken[key] = option->second;
      option = options->erase(option);
    } else {
      ++option;
    }
  }
  return taken;
}

StreamSourcePtr make_file_stream(const Engine& engine, const Create& create) {
  const std::string reader = create.format.empty() ? "csv" : to_lower_ascii(create.format);
  TableFile file = file_table_of(create);
  const OptionTexts texts = take_stream_options(&file.options);
  FileDirectoryOptions directory;
  read_option_texts(
      "the stream", texts,
      {
          {"follow", [&](const OptionText& option) { directory.bounded = !option.boolean(); }},
          {"order",
           [&](const OptionText& option) { directory.order = file_order_from_name(option.text); }},
          {"pattern", [&](const OptionText& option) { directory.pattern = option.text; }},
          {"settle_ms", [&](const OptionText& option) { directory.settle_ms = option.number(); }},
      });
  StreamFileFormat format = stream_format(reader, file.options, columns_of(create));
  FileSystem& files = *engine.files();
  if (!files.exists(file.path) || files.is_directory(file.path)) {
    return make_file_directory_stream(engine.files(), file.path, std::move(format), directory);
  }
  for (const auto& [key, text] : texts) {
    if (key == "follow") continue;
    throw Error(ErrorKind::kInvalidArgument,
                concat("option ", key, " is for the files of a directory, and '", file.path,
                       "' is a file; leave it out, or name the directory"));
  }
  FileTailOptions tail;
  tail.bounded = directory.bounded;
  return make_file_tail_stream(engine.files(), file.path, std::move(format), tail);
}

StreamSourcePtr make_source(const Engine& engine, const Create& create) {
  if (equals_ignore_case(create.format, "rate")) {
    refuse_columns(create);
    return make_rate_stream(rate_options_from_text(option_texts_of(create)));
  }
  const std::vector<std::string> known = {"csv", "json", "line", "rate"};
  const std::string reader = to_lower_ascii(create.format);
  if (!reader.empty() && std::find(known.begin(), known.end(), reader) == known.end()) {
    refuse_format(create, known);
  }
  return make_file_stream(engine, create);
}

StreamSinkPtr make_sink(const Engine& engine, const Create& create) {
  if (equals_ignore_case(create.format, "console")) {
    refuse_columns(create);
    return make_session_console_sink(engine, console_options_from_text(option_texts_of(create)));
  }
  const bool json = equals_ignore_case(create.format, "json");
  if (!create.format.empty() && !json && !equals_ignore_case(create.format, "csv")) {
    refuse_format(create, {"csv", "json", "console"});
  }
  const TableFile file = file_table_of(create);
  if (json) {
    if (!file.options.empty()) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("sink table ", create.name, " USING json takes a path only, not option '",
                         file.options.begin()->first, "'"));
    }
    return make_json_file_sink(engine.files(), file.path);
  }
  return make_csv_file_sink(engine.files(), file.path, CsvFileMode::kReplace,
                            csv_writer_options_from_text(file.options));
}

}  // namespace

Engine::Entry make_stream_table(const Engine& engine, const Create& create) {
  const bool sink = create.kind == Create::Kind::kSink;
  if (create.query) {
    throw Error(ErrorKind::kSqlSemantic, concat("CREATE ", sink ? "SINK" : "SOURCE", " TABLE ",
                                                create.name, " takes OPTIONS(...), not AS SELECT"));
  }
  Engine::Entry entry;
  entry.name = create.name;
  entry.kind = sink ? Engine::EntryKind::kStreamSink : Engine::EntryKind::kStreamSource;
  if (sink) {
    entry.sink = make_sink(engine, create);
    entry.sink_columns = columns_of(create);
  } else {
    entry.plan = ScanPlan::all_columns(
        std::make_shared<StreamTableSource>(make_source(engine, create)), create.name);
  }
  return entry;
}

StreamSinkPtr make_session_console_sink(const Engine& engine, ConsoleOptions options) {
  const ConsoleWriter& write = engine.options().console_writer;
  return write ? make_console_sink(write, options) : make_console_sink(STDOUT_FILENO, options);
}

}  // namespace velaria
