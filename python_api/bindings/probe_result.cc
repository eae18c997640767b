#include "python_api/bindings/probe_result.h"

#include <string>

#include "python_api/bindings/python_types.h"

namespace velaria::python {

namespace py = pybind11;

py::dict probe_to_dict(const ProbeResult& result) {
  py::dict out;
  out["path"] = to_python_text(result.path);
  py::list paths;
  for (const std::string& path : result.paths) paths.append(to_python_text(path));
  out["paths"] = paths;
  out["kind"] = result.kind;
  out["final_format"] = result.final_format;
  out["score"] = result.score;
  out["confidence"] = result.confidence;
  out["schema"] = schema_to_python(result.schema);
  out["suggested_table_name"] = to_python_text(result.suggested_table_name);
  py::list candidates;
  for (const ProbeCandidate& candidate : result.candidates) {
    py::dict entry;
    entry["format"] = candidate.format;
    entry["kind"] = candidate.kind;
    entry["score"] = candidate.score;
    entry["reason"] = to_python_text(candidate.reason);
    candidates.append(entry);
  }
  out["candidates"] = candidates;
  py::list warnings;
  for (const std::string& warning : result.warnings) warnings.append(to_python_text(warning));
  out["warnings"] = warnings;
  out["encoding"] = result.encoding;
  if (!result.encoding_confidence.empty()) {
    out["encoding_confidence"] = result.encoding_confidence;
  }
  out["compression"] = result.compression;
  if (result.kind == "json") {
    out["format"] = result.final_format;
    out["multiline"] = result.json.multiline.value_or(false);
    out["columns"] = schema_to_python(result.schema);
  }
  if (result.kind == "line") {
    const LineOptions& line = result.line;
    const bool regex = line.mode == LineMode::kRegex;
    out["mode"] = regex ? "regex" : "split";
    if (regex) {
      out["regex_pattern"] = line.regex_pattern;
    } else {
      out["split_delimiter"] = to_python_text(line.split_delimiter);
    }
    py::dict mappings;
    int place = regex ? 1 : 0;
    for (const Field& field : result.columns) {
      mappings[to_python_text(field.name)] = place++;
    }
    out["mappings"] = mappings;
    py::dict types;
    // Columns have the names of their groups here.
    for (const auto& [name, type] : line.group_types) {
      types[to_python_text(name)] = type.to_string();
    }
    for (const auto& [name, type] : line.types) types[to_python_text(name)] = type.to_string();
    out["types"] = types;
    py::list null_texts;
    for (const std::string& text : line.null_texts) null_texts.append(to_python_text(text));
    out["null_text"] = null_texts;
    out["skip_empty_lines"] = line.skip_empty_lines;
    out["on_error"] = line.on_error == RowErrorPolicy::kSkip ? "skip" : "error";
    out["preset"] = result.preset;
    out["columns"] = schema_to_python(result.schema);
  }
  if (result.kind == "csv") {
    out["delimiter"] = to_python_text(result.delimiter);
    out["quote"] = result.quote == '\0' ? std::string() : std::string(1, result.quote);
    out["escape"] = result.escape == '\0' ? std::string() : std::string(1, result.escape);
    out["header"] = result.header;
    out["skip_lines"] = result.skip_lines;
    out["comment"] = to_python_text(result.comment);
    out["columns"] = schema_to_python(Schema(result.columns));
    out["null_text"] = py::list();  // only a caller knows of words that are NULL in every column
    py::list null_words;
    for (const std::string& word : result.null_words) null_words.append(to_python_text(word));
    out["null_words"] = null_words;
  }
  return out;
}

}  // namespace velaria::python
