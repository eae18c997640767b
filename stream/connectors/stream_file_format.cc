#include "stream/connectors/stream_file_format.h"

#include <algorithm>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/csv/csv_careful.h"
#include "src/io/csv/csv_source.h"
#include "src/io/json/json_source.h"
#include "src/io/line/line_source.h"
#include "src/io/memory/memory_table_source.h"

namespace velaria {

namespace {

std::string why_no_tail(const InputOptions& input) {
  if (input.encoding.empty() || equals_ignore_case(input.encoding, "utf-8")) return "";
  return concat("encoding='", input.encoding, "': a growing file is read as UTF-8 only");
}

bool is_blank(FileSystem& files, const std::string& path) {
  const std::unique_ptr<ReadableFile> file = files.open_read(path);
  std::string block(size_t{1} << 16, '\0');
  for (uint64_t at = 0;;) {
    const size_t got = file->read_at(at, block.data(), block.size());
    if (got == 0) return true;
    const std::string_view read(block.data(), got);
    if (read.find_first_not_of(" \t\r\n") != std::string_view::npos) return false;
    at += got;
  }
}

// Quotes, escapes and comments are what they are to the reader. A CR at the end may be half of a
// line end, so only rows that end with LF count.
size_t whole_csv_rows_bytes(const CsvDialect& dialect, std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  CarefulTokenizer rows(dialect, text);
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    rows.move_to(kByteOrderMark.size());
  }
  size_t whole = 0;
  while (rows.skip_row()) {
    if (rows.row_was_ended() && text[rows.position() - 1] == '\n') whole = rows.position();
  }
  return whole;
}

}  // namespace

StreamFileFormat csv_stream_format(CsvOptions options) {
  refuse_file_table_options(options.input, "a stream of CSV files");
  StreamFileFormat format;
  format.name = "csv";
  format.pattern = "*.csv";
  format.columns = options.columns;
  format.whole_rows_bytes = [dialect = CsvDialect::of(options)](std::string_view text) {
    return whole_csv_rows_bytes(dialect, text);
  };
  format.no_tail_because = why_no_tail(options.input);
  if (format.no_tail_because.empty() && options.skip_lines != 0) {
    format.no_tail_because =
        concat("skip_lines=", options.skip_lines, ": a growing file begins with its header");
  }
  format.open = [csv = std::move(options)](
                    const std::shared_ptr<FileSystem>& files, const std::string& path,
                    const std::vector<Field>& columns, StreamFilePart part) -> TableSourcePtr {
    CsvOptions of_file = csv;
    if (of_file.columns.empty()) of_file.input.inferred_columns = columns;
    if (part == StreamFilePart::kFurther) of_file.header = false;
    return open_csv(files, path, std::move(of_file));
  };
  return format;
}

StreamFileFormat json_stream_format(JsonOptions options) {
  refuse_file_table_options(options.input, "a stream of JSON files");
  StreamFileFormat format;
  format.name = "json";
  format.pattern = "*.jsonl";
  for (const JsonColumn& column : options.columns) {
    if (!column.type) {
      throw Error(ErrorKind::kInvalidArgument,
                  "the columns of a stream of JSON files need types, all of them or none");
    }
    format.columns.push_back({column.name, *column.type});
  }
  format.no_tail_because = why_no_tail(options.input);
  if (format.no_tail_because.empty() &&
      (options.format == JsonFormat::kArray || options.multiline.value_or(false))) {
    format.no_tail_because =
        "a growing JSON file has an object on each line: format json_lines, not multiline";
  }
  const bool chosen = !format.columns.empty();
  format.open = [json = std::move(options), chosen](
                    const std::shared_ptr<FileSystem>& files, const std::string& path,
                    const std::vector<Field>& columns, StreamFilePart part) -> TableSourcePtr {
    JsonOptions of_file = json;
    if (part != StreamFilePart::kWhole) of_file.multiline = false;
    if (!chosen && !columns.empty()) {
      of_file.input.inferred_columns = columns;
      of_file.unknown_keys = UnknownKeyPolicy::kFail;
    }
    return open_json(files, path, std::move(of_file));
  };
  return format;
}

StreamFileFormat line_stream_format(LineOptions options) {
  refuse_file_table_options(options.input, "a stream of files of lines");
  StreamFileFormat format;
  format.name = "line";
  format.pattern = "*.log";
  format.no_tail_because = why_no_tail(options.input);
  for (const LineMapping& mapping : options.mappings) {
    const auto type = options.types.find(mapping.name);
    if (type == options.types.end()) {
      format.columns.clear();
      break;
    }
    format.columns.push_back({mapping.name, type->second});
  }
  format.open = [lines = std::move(options)](
                    const std::shared_ptr<FileSystem>& files, const std::string& path,
                    const std::vector<Field>& columns, StreamFilePart) -> TableSourcePtr {
    LineOptions of_file = lines;
    if (columns.empty()) return open_lines(files, path, std::move(of_file));
    const Schema wanted(columns);
    // Without mappings the first line says how many columns there are.
    if (lines.mappings.empty() && lines.skip_empty_lines && is_blank(*files, path)) {
      return std::make_shared<MemoryTableSource>(wanted, std::vector<Chunk>());
    }
    of_file.input.inferred_columns = columns;
    return open_lines(files, path, std::move(of_file));
  };
  return format;
}

}  // namespace velaria
