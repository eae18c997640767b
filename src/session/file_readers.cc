#include "src/session/file_readers.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/csv/csv_source.h"
#include "src/io/json/json_source.h"
#include "src/io/line/line_source.h"
#include "src/session/engine.h"

namespace velaria {

namespace {

void set_columns(const std::vector<Field>& columns, JsonOptions* options) {
  if (columns.empty()) return;
  options->columns.clear();
  for (const Field& field : columns) options->columns.push_back({field.name, field.type});
}

void set_columns(const std::vector<Field>& columns, LineOptions* options) {
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

}  // namespace

TableSourcePtr open_with_reader(const Engine& engine, const std::string& reader,
                                const std::string& path, const OptionTexts& options,
                                const std::vector<Field>& columns, const std::string& written) {
  const std::string kind = to_lower_ascii(reader);
  if (kind == "csv") {
    CsvOptions csv = csv_options_from_text(options);
    if (!columns.empty()) csv.columns = columns;
    return open_csv(engine.files(), path, std::move(csv), engine.file_context());
  }
  if (kind == "json") {
    JsonOptions json = json_options_from_text(options);
    set_columns(columns, &json);
    return open_json(engine.files(), path, std::move(json), engine.file_context());
  }
  if (kind == "line") {
    LineOptions line = line_options_from_text(options);
    set_columns(columns, &line);
    return open_lines(engine.files(), path, std::move(line), engine.file_context());
  }
  throw Error(ErrorKind::kSqlUnsupported,
              concat(written, " is not supported", did_you_mean(kind, {"csv", "line", "json"}),
                     "; there are readers for csv, line and json"));
}

TableSourcePtr open_by_probe(const Engine& engine, const std::string& path,
                             const OptionTexts& options, const std::vector<Field>& columns) {
  const ProbeResult probed = probe_file(engine.files(), path, engine.file_context());
  if (options.empty() && columns.empty()) {
    return open_probed(engine.files(), probed, engine.file_context());
  }
  return open_with_reader(engine, probed.kind, path, with_probed_options(probed, options), columns,
                          probed.kind);
}

}  // namespace velaria
