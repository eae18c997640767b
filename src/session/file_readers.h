// The readers of files by name, as SQL and keyword options call them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "src/column/schema.h"
#include "src/io/json/json_options.h"
#include "src/io/line/line_options.h"
#include "src/io/probe/probe.h"
#include "src/plan/table_source.h"

namespace velaria {

class Engine;

using OptionTexts = std::map<std::string, std::string>;

// Reads with a reader: csv, line or json. `paths` as for expand_paths(). `columns` are those of
// CREATE TABLE t (...): csv, and line without mappings, take them by position, json and line with
// mappings by name. `written` is how the reader was named ("USING parquet") for the
// SqlUnsupportedError when there is none.
TableSourcePtr open_with_reader(const Engine& engine, const std::string& reader,
                                const std::vector<std::string>& paths, const OptionTexts& options,
                                const std::vector<Field>& columns, const std::string& written);

// Probes, then reads exactly what was found; `options` and `columns` go over it. What options say
// of the input and of rows that do not fit, the probe knows, too.
TableSourcePtr open_by_probe(const Engine& engine, const std::vector<std::string>& paths,
                             const OptionTexts& options, const std::vector<Field>& columns);

// Sets the columns of CREATE TABLE t (...) as above; none: nothing.
void set_reader_columns(const std::vector<Field>& columns, JsonOptions* options);
void set_reader_columns(const std::vector<Field>& columns, LineOptions* options);

// What a query calls the table of these files.
std::string table_label(const std::vector<std::string>& paths);

}  // namespace velaria
