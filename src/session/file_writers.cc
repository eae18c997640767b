#include "src/session/file_writers.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/csv/csv_writer.h"
#include "src/io/json/json_writer.h"
#include "src/session/engine.h"

namespace velaria {

namespace {

constexpr size_t kWriteBytes = size_t{1} << 20;

// "/a/b.CSV.gz" -> "gz"; empty without a dot.
std::string extension_of(const std::string& path) {
  const std::string name = file_name_of(path);
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : to_lower_ascii(name.substr(dot + 1));
}

struct Writing {
  std::string format;  // csv or json
  std::map<std::string, std::string> options;
};

Writing read_options(const std::string& path, const std::map<std::string, std::string>& given,
                     const std::string& verb) {
  Writing out;
  const auto refuse_format = [&](const std::string& format) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat(verb, " TO '", excerpt(path, 200), "': the format ", excerpt(format),
                       " is not supported; files are written as csv or json"));
  };
  const auto is_json = [](const std::string& name) {
    return name == "json" || name == "jsonl" || name == "ndjson" || name == "json_lines";
  };
  for (const auto& [key, text] : given) {
    const std::string name = to_lower_ascii(key);
    if (name == "format") {
      const std::string format = to_lower_ascii(text);
      if (format != "csv" && !is_json(format)) refuse_format(text);
      out.format = format == "csv" ? "csv" : "json";
      continue;
    }
    const std::vector<std::string> known = {"format", "header", "delimiter", "quote", "null_text"};
    // "null" and "delim" are the names that other systems have.
    const std::string own = name == "null" ? "null_text" : name == "delim" ? "delimiter" : name;
    if (std::find(known.begin(), known.end(), own) == known.end()) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat(verb, " has no option '", excerpt(key), "'", did_you_mean(name, known),
                         "; the options are ", join_texts(known, ", ")));
    }
    if (!out.options.emplace(own, text).second) {
      throw Error(ErrorKind::kInvalidArgument, concat("option '", own, "' is given twice"));
    }
  }
  // What the name promises must be true, unless the statement says otherwise.
  const std::string extension = extension_of(path);
  if (out.format.empty()) {
    for (const char* other : {"parquet", "arrow", "feather", "orc", "avro", "xlsx", "gz", "zst",
                              "bz2", "xz", "zip", "lz4"}) {
      if (extension == other) refuse_format(extension);
    }
    out.format = is_json(extension) ? "json" : "csv";
  }
  if (out.format == "json" && !out.options.empty()) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("option '", out.options.begin()->first,
                       "' is one of csv files, but this is written as json"));
  }
  if (out.format == "csv" && extension == "tsv") out.options.emplace("delimiter", "\t");
  return out;
}

}  // namespace

int64_t write_file(Engine& engine, const PlanPtr& plan, const std::string& path,
                   const std::map<std::string, std::string>& options, const std::string& verb) {
  const Writing writing = read_options(path, options, verb);
  std::string text;
  std::function<void(const Chunk&)> write_chunk;
  std::unique_ptr<CsvWriter> csv;
  std::unique_ptr<JsonWriter> json;
  if (writing.format == "json") {
    json = std::make_unique<JsonWriter>(plan->schema());
    write_chunk = [&](const Chunk& chunk) { json->write_chunk(chunk, &text); };
  } else {
    csv = std::make_unique<CsvWriter>(plan->schema(), csv_options_from_text(writing.options));
    write_chunk = [&](const Chunk& chunk) { csv->write_chunk(chunk, &text); };
  }
  const QueryResult result = engine.run(plan);
  replace_file_atomically(*engine.files(), path, [&](WritableFile& file) {
    if (csv) csv->write_header(&text);
    for (const Chunk& chunk : result.chunks) {
      if (engine.options().interrupt_check) engine.options().interrupt_check();
      write_chunk(chunk);
      if (text.size() < kWriteBytes) continue;
      file.write(text);
      text.clear();
    }
    file.write(text);
  });
  return result.rows;
}

}  // namespace velaria
