#include "src/session/file_writers.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/c_data.h"
#include "src/io/compressed_writer.h"
#include "src/io/csv/csv_writer.h"
#include "src/io/json/json_writer.h"
#include "src/session/data_frame.h"
#include "src/session/engine.h"

namespace velaria {

namespace {

constexpr size_t kWriteBytes = size_t{1} << 20;

using Texts = std::map<std::string, std::string>;

// "/a/b.CSV.gz" -> "csv"; empty without a dot.
std::string extension_of(const std::string& path) {
  const std::string file_name = file_name_of(path);
  const std::string_view name = without_compression_ending(file_name);
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : to_lower_ascii(name.substr(dot + 1));
}

// The format that a name or an ending means; empty: none.
std::string format_of(const std::string& name) {
  for (const char* json : {"json", "jsonl", "ndjson", "json_lines"}) {
    if (name == json) return "json";
  }
  if (name == "arrow" || name == "feather" || name == "ipc") return "arrow";
  return name == "csv" || name == "parquet" ? name : "";
}

struct Writing {
  std::string format;  // csv, json, arrow, parquet
  Texts options;       // but for format
};

Writing read_options(const std::string& path, const Texts& given, const std::string& verb) {
  const auto refuse_format = [&](const std::string& format) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat(verb, " TO '", excerpt(path, 200), "': the format ", excerpt(format),
                       " is not supported; files are written as csv, json, arrow or parquet, which "
                       "the option format may say"));
  };
  Writing out;
  for (const auto& [key, text] : given) {
    const std::string name = to_lower_ascii(key);
    // "null" and "delim" are the names that other systems have.
    const std::string own = name == "null" ? "null_text" : name == "delim" ? "delimiter" : name;
    if (!out.options.emplace(own, text).second) {
      throw Error(ErrorKind::kInvalidArgument, concat("option '", own, "' is given twice"));
    }
  }
  const auto named = out.options.find("format");
  if (named != out.options.end()) {
    out.format = format_of(to_lower_ascii(named->second));
    if (out.format.empty()) refuse_format(named->second);
    out.options.erase(named);
    return out;
  }
  // What the name promises must be true, unless the statement says otherwise.
  const std::string extension = extension_of(path);
  out.format = format_of(extension);
  if (!out.format.empty()) return out;
  for (const char* text : {"", "tsv", "tab", "txt", "dat"}) {
    if (extension == text) out.format = "csv";
  }
  if (out.format.empty()) refuse_format(concat(".", extension));
  return out;
}

Compression take_compression(const std::string& path, Texts* options) {
  const auto named = options->find("compression");
  if (named == options->end()) return compression_of_name(path);
  const std::string name = to_lower_ascii(named->second);
  options->erase(named);
  for (const Compression one : {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    if (name == compression_name(one)) return one;
  }
  throw Error(ErrorKind::kInvalidArgument,
              concat("option compression is '", excerpt(name), "'; it must be none, gzip or zstd"));
}

std::unique_ptr<TextWriter> text_writer(const Writing& writing, const Schema& schema,
                                        const std::string& path, const std::string& verb) {
  std::vector<std::string> known = {"format", "compression"};
  const bool csv = writing.format == "csv";
  if (csv) known.insert(known.end(), {"header", "delimiter", "quote", "null_text"});
  for (const auto& [name, text] : writing.options) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw Error(ErrorKind::kInvalidArgument,
                concat(verb, " has no option '", excerpt(name), "' for ", writing.format, " files",
                       did_you_mean(name, known), "; the options are ", join_texts(known, ", ")));
  }
  if (!csv) return std::make_unique<JsonWriter>(schema);
  Texts options = writing.options;
  const std::string extension = extension_of(path);
  if (extension == "tsv" || extension == "tab") options.emplace("delimiter", "\t");
  return std::make_unique<CsvWriter>(schema, csv_writer_options_from_text(std::move(options)));
}

void write_rows(Engine& engine, const TextWriter& writer, const QueryResult& result,
                Compression compression, WritableFile* file) {
  CompressedWriter out(file, compression);
  std::string text;
  writer.write_header(&text);
  for (const Chunk& chunk : result.chunks) {
    if (engine.options().interrupt_check) engine.options().interrupt_check();
    writer.write_chunk(chunk, &text);
    if (text.size() < kWriteBytes) continue;
    out.write(text);
    text.clear();
  }
  out.write(text);
  out.finish();
}

}  // namespace

int64_t write_file(Engine& engine, const PlanPtr& plan, const std::string& path,
                   const std::map<std::string, std::string>& options, const std::string& verb) {
  Writing writing = read_options(path, options, verb);
  if (writing.format == "csv" || writing.format == "json") {
    const Compression compression = take_compression(path, &writing.options);
    const auto writer = text_writer(writing, plan->schema(), path, verb);
    const QueryResult result = engine.run(plan);
    replace_file_atomically(*engine.files(), path, [&](WritableFile& file) {
      write_rows(engine, *writer, result, compression, &file);
    });
    return result.rows;
  }
  if (compression_of_name(path) != Compression::kNone) {
    throw Error(ErrorKind::kInvalidArgument,
                concat(verb, " TO '", excerpt(path, 200), "': ", writing.format,
                       " files are compressed inside, and not as a whole; leave the last ending "
                       "out, the option compression names the codec"));
  }
  const FormatWriter& write_format = engine.options().format_writer;
  if (!write_format) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat(verb, " TO '", excerpt(path, 200), "': the format ", writing.format,
                       " is written by the Python package with pyarrow; write csv or json here"));
  }
  QueryResult result = engine.run(plan);
  const int64_t rows = result.rows;
  replace_file_atomically(*engine.files(), path, [&](WritableFile& file) {
    ArrowArrayStream stream{};
    export_result(std::move(result), &stream);
    write_format(writing.format, writing.options, &stream,
                 [&](std::string_view bytes) { file.write(bytes); });
  });
  return rows;
}

}  // namespace velaria
