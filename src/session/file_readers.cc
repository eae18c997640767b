#include "src/session/file_readers.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/csv/csv_source.h"
#include "src/io/json/json_source.h"
#include "src/io/line/line_source.h"
#include "src/io/noted_source.h"
#include "src/io/option_texts.h"
#include "src/session/engine.h"

namespace velaria {

void set_reader_columns(const std::vector<Field>& columns, JsonOptions* options) {
  if (columns.empty()) return;
  options->columns.clear();
  for (const Field& field : columns) options->columns.push_back({field.name, field.type});
}

void set_reader_columns(const std::vector<Field>& columns, LineOptions* options) {
  if (columns.empty()) return;
  if (!options->mappings.empty()) {
    std::vector<std::string> names;
    for (const LineMapping& mapping : options->mappings) names.push_back(mapping.name);
    std::vector<LineMapping> chosen;
    for (const Field& field : columns) {
      const auto found = std::find(names.begin(), names.end(), field.name);
      if (found == names.end()) {
        throw Error(ErrorKind::kInvalidArgument,
                    concat("column '", excerpt(field.name), "' is none of mappings",
                           did_you_mean(field.name, names)));
      }
      chosen.push_back(options->mappings[static_cast<size_t>(found - names.begin())]);
    }
    options->mappings = std::move(chosen);
  } else {
    const int first = options->mode == LineMode::kRegex ? 1 : 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      options->mappings.push_back({columns[i].name, std::to_string(first + static_cast<int>(i))});
    }
  }
  for (const Field& field : columns) options->types[field.name] = field.type;
}

TableSourcePtr open_with_reader(const Engine& engine, const std::string& reader,
                                const std::vector<std::string>& paths, const OptionTexts& options,
                                const std::vector<Field>& columns, const std::string& written) {
  const std::string kind = to_lower_ascii(reader);
  if (kind == "csv") {
    CsvOptions csv = csv_options_from_text(options);
    if (!columns.empty()) csv.columns = columns;
    return open_csv_files(engine.files(), paths, csv, engine.file_context()).source;
  }
  if (kind == "json") {
    JsonOptions json = json_options_from_text(options);
    set_reader_columns(columns, &json);
    return open_json_files(engine.files(), paths, json, engine.file_context()).source;
  }
  if (kind == "line") {
    LineOptions line = line_options_from_text(options);
    set_reader_columns(columns, &line);
    return open_line_files(engine.files(), paths, line, engine.file_context()).source;
  }
  throw Error(ErrorKind::kSqlUnsupported,
              concat(written, " is not supported", did_you_mean(kind, {"csv", "line", "json"}),
                     "; there are readers for csv, line and json"));
}

TableSourcePtr open_by_probe(const Engine& engine, const std::vector<std::string>& paths,
                             const OptionTexts& options, const std::vector<Field>& columns) {
  InputOptions input;
  RowPolicies rows;
  bool more = !columns.empty();
  bool only_header = true;  // of the layout
  // What the probe says it guessed may be what the caller decided with one of these.
  constexpr std::string_view kLayoutOptions[] = {
      "delimiter", "quote", "escape", "header",        "skip_lines",     "comment",
      "format",    "mode",  "preset", "regex_pattern", "split_delimiter"};
  for (const auto& [key, text] : options) {
    const OptionText option{"", to_lower_ascii(key), text};
    if (set_input_option(option.key, text, &input)) continue;
    more = true;
    const auto found = std::find(std::begin(kLayoutOptions), std::end(kLayoutOptions), option.key);
    rows.layout_is_given = rows.layout_is_given || found != std::end(kLayoutOptions);
    if (found != std::end(kLayoutOptions) && option.key != "header") only_header = false;
    if (option.key == "ragged") rows.ragged = option.ragged();
    if (option.key == "on_error") rows.on_error = option.row_errors();
  }
  const ProbeResult probed = probe_files(engine.files(), paths, input, engine.file_context(), rows);
  if (!more) return with_warnings(probed.source, probed.warnings);
  TableSourcePtr source =
      open_with_reader(engine, probed.kind, probed.paths, with_probed_options(probed, options),
                       columns, probed.kind);
  return only_header ? with_warnings(std::move(source), probed.warnings) : source;
}

std::string table_label(const std::vector<std::string>& paths) {
  return paths.empty() ? "" : file_name_of(paths.front());
}

}  // namespace velaria
