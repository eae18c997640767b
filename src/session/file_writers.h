// Rows of a query -> a file: COPY ... TO, and the write verbs of frames.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "src/plan/logical_plan.h"

namespace velaria {

class Engine;

// Runs `plan` and writes its rows; gives their number. The path holds either what it held before or
// the whole new file.
//
// Option `format`: csv, json (lines), arrow or parquet; without it the end of the path says which
// (.csv and .tsv, .json, .jsonl and .ndjson, .arrow and .feather, .parquet), and csv is what other
// paths hold. CSV: header, delimiter, quote, null_text. CSV and JSON: compression (none, gzip,
// zstd; without it .gz and .zst at the end of the path). The other formats are written by
// SessionOptions::format_writer, which gets the other options. `verb` is for errors: "COPY".
//
// Throws SqlUnsupportedError for another format or one without a writer, FileAccessError for a path
// that cannot be written (or is outside of the session's allowed_paths), InvalidArgumentError for a
// bad option.
int64_t write_file(Engine& engine, const PlanPtr& plan, const std::string& path,
                   const std::map<std::string, std::string>& options, const std::string& verb);

}  // namespace velaria
