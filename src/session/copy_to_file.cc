#include "src/session/copy_to_file.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/csv/csv_writer.h"

namespace velaria {

namespace {

constexpr size_t kWriteBytes = size_t{1} << 20;

// "/a/b.CSV.gz" -> "gz"; empty without a dot.
std::string extension_of(const std::string& path) {
  const std::string name = file_name_of(path);
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : to_lower_ascii(name.substr(dot + 1));
}

[[noreturn]] void refuse_format(const std::string& format, const std::string& path) {
  throw Error(ErrorKind::kSqlUnsupported,
              concat("COPY TO '", excerpt(path, 200), "': the format ", excerpt(format),
                     " is not supported; files are written as csv"));
}

CsvOptions writer_options(const sql::CopyStatement& copy) {
  const std::string extension = extension_of(copy.path);
  std::map<std::string, std::string> texts;
  bool named = false;
  for (const auto& [key, value] : copy.options) {
    const std::string name = to_lower_ascii(key);
    const std::string text = value.to_string();
    if (name == "format") {
      if (!equals_ignore_case(text, "csv")) refuse_format(text, copy.path);
      named = true;
      continue;
    }
    const std::vector<std::string> known = {"format", "header", "delimiter", "quote", "null_text"};
    // "null" and "delim" are the names that other systems have.
    const std::string own = name == "null" ? "null_text" : name == "delim" ? "delimiter" : name;
    if (std::find(known.begin(), known.end(), own) == known.end()) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("COPY has no option '", excerpt(key), "'", did_you_mean(name, known),
                         "; the options are ", join_texts(known, ", ")));
    }
    if (!texts.emplace(own, text).second) {
      throw Error(ErrorKind::kInvalidArgument, concat("option '", own, "' is given twice"));
    }
  }
  // What the name promises must be true, unless the statement says otherwise.
  for (const char* other : {"parquet", "json", "jsonl", "ndjson", "arrow", "feather", "orc", "avro",
                            "xlsx", "gz", "zst", "bz2", "xz", "zip", "lz4"}) {
    if (!named && extension == other) refuse_format(extension, copy.path);
  }
  if (extension == "tsv") texts.emplace("delimiter", "\t");
  return csv_options_from_text(texts);
}

}  // namespace

int64_t copy_to_file(Engine& engine, const PlanPtr& plan, const sql::CopyStatement& copy) {
  const CsvWriter writer(plan->schema(), writer_options(copy));
  const QueryResult result = engine.run(plan);
  FileSystem& files = *engine.files();
  replace_file_atomically(files, copy.path, [&](WritableFile& file) {
    std::string text;
    writer.write_header(&text);
    for (const Chunk& chunk : result.chunks) {
      if (engine.options().interrupt_check) engine.options().interrupt_check();
      writer.write_chunk(chunk, &text);
      if (text.size() < kWriteBytes) continue;
      file.write(text);
      text.clear();
    }
    file.write(text);
  });
  return result.rows;
}

}  // namespace velaria
