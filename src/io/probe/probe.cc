#include "src/io/probe/probe.h"

#include <algorithm>
#include <functional>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/compressed_writer.h"
#include "src/io/file_list.h"
#include "src/io/json/json_source.h"
#include "src/io/line/line_source.h"
#include "src/io/probe/probe_candidates.h"
#include "src/io/text_file.h"

namespace velaria {

namespace {

// Files up to this size are judged whole; of larger ones three parts of this size are.
constexpr size_t kWholeBytes = size_t{1} << 20;
constexpr size_t kPartBytes = size_t{256} << 10;
// Where fields in quotes are so long that this is no row, the start grows up to that.
constexpr size_t kMostPartBytes = size_t{16} << 20;
// Of the files behind the first.
constexpr size_t kBeginningBytes = size_t{64} << 10;

// What is judged, each part whole lines with padding behind it.
struct SampleText {
  std::string first;
  bool whole_file = true;
  std::vector<std::string> later;
  size_t first_size = 0;

  ProbeSample view() const {
    ProbeSample out{std::string_view(first).substr(0, first_size), whole_file};
    for (const std::string& part : later) {
      out.later.push_back(std::string_view(part).substr(0, part.size() - kCsvPaddingBytes));
    }
    return out;
  }
};

void keep_whole_lines(std::string* text) {
  // One endless line stays as it is.
  const size_t end = text->find_last_of("\r\n");
  if (end != std::string::npos) text->resize(end + 1);
}

// Its start has `part_bytes`, or the whole of a file that is not much larger.
SampleText read_sample(const TextFile& file, size_t part_bytes = kPartBytes) {
  SampleText out;
  const auto pass = file.open_pass();
  const size_t whole_bytes = std::max(kWholeBytes, part_bytes);
  out.first = pass->text_at(file.text_begin(), whole_bytes + 1);
  out.whole_file = out.first.size() <= whole_bytes;
  if (!out.whole_file) {
    out.first.resize(part_bytes);
    keep_whole_lines(&out.first);
    // Compressed text has no middle that could be looked at alone.
    if (const auto size = file.text_bytes()) {
      for (const uint64_t begin : {*size / 2, *size - kPartBytes}) {
        std::string part = pass->text_at(begin, kPartBytes);
        const size_t line_end = part.find('\n');
        if (line_end == std::string::npos) continue;
        part.erase(0, line_end + 1);
        if (begin + kPartBytes < *size) keep_whole_lines(&part);
        if (part.empty()) continue;
        part.append(kCsvPaddingBytes, '\0');
        out.later.push_back(std::move(part));
      }
    }
  }
  out.first_size = out.first.size();
  out.first.append(kCsvPaddingBytes, '\0');
  return out;
}

bool has_content(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") != std::string_view::npos;
}

// Words that stand for NULL in columns that have a type but for them.
std::vector<std::string> find_null_words(const FileTable& table,
                                         const std::vector<std::string>& watched,
                                         std::vector<std::string>* warnings) {
  uint32_t found = 0;
  std::vector<std::string> names;
  for (size_t i = 0; i < table.inferred.size(); ++i) {
    if (table.inferred[i].empty()) continue;
    const TypeEvidence column = common_evidence(table.inferred[i]);
    if (column.null_words() == 0 || column.type().is_string()) continue;
    found |= column.null_words();
    names.push_back(concat("'", excerpt(table.source->schema().field(i).name), "'"));
  }
  std::vector<std::string> words;
  std::vector<std::string> shown;
  for (size_t i = 0; i < watched.size(); ++i) {
    if ((found >> i & 1) == 0) continue;
    words.push_back(watched[i]);
    shown.push_back(concat("'", watched[i], "'"));
  }
  if (words.empty()) return words;
  const bool one = words.size() == 1;
  warnings->push_back(concat(join_texts(shown, ", "), one ? " is" : " are", " read as NULL in ",
                             names.size() == 1 ? "column " : "columns ",
                             excerpt(join_texts(names, ", "), 200), ", where everything else is ",
                             "of one type, and as text in columns of text; to have ",
                             one ? "it" : "them", " as text everywhere, read with null_words=''"));
  return words;
}

void describe_source(TableSourcePtr source, ProbeResult* out) {
  const std::vector<std::string> warnings = warnings_of(*source);
  out->warnings.insert(out->warnings.end(), warnings.begin(), warnings.end());
  out->schema = source->schema();
  out->columns = out->schema.fields();
  if (!out->input.filename_column.empty()) out->columns.pop_back();
  out->source = std::move(source);
}

void warn_of_header(const CsvCandidate& best, ProbeResult* out) {
  if (best.header_is_sure) return;
  out->warnings.push_back(concat("the first row is taken as ", best.header ? "a header" : "data",
                                 ", which is a guess; say header=true or header=false"));
}

void describe_csv(const std::shared_ptr<FileSystem>& files, const CsvCandidate& best,
                  const FileOpenContext& context, ProbeResult* out) {
  out->delimiter = best.delimiter;
  out->quote = best.quote;
  out->escape = best.escape;
  out->header = best.header;
  out->skip_lines = best.skip_lines;
  out->comment = best.comment;
  out->warnings.insert(out->warnings.end(), best.warnings.begin(), best.warnings.end());
  if (out->rows.layout_is_given) {
    out->null_words = usual_null_words();
    warn_of_header(best, out);
    return;
  }
  CsvOptions options = to_csv_options(*out);  // without columns yet
  // Those that are not met change nothing.
  options.null_words = usual_null_words();
  const FileTable table = open_csv_files(files, out->paths, options, context);
  out->null_words = find_null_words(table, options.null_words, &out->warnings);
  describe_source(table.source, out);
  warn_of_header(best, out);
}

void describe_json(const std::shared_ptr<FileSystem>& files, const JsonCandidate& best,
                   const FileOpenContext& context, ProbeResult* out) {
  out->json = best.options;
  out->json.input = to_input_options(*out);
  out->json.on_error = out->rows.on_error;
  // Lines that are no objects can only be left out where lines are rows.
  if (out->json.on_error == RowErrorPolicy::kSkip) out->json.multiline = std::nullopt;
  if (out->rows.layout_is_given) return;
  describe_source(open_json_files(files, out->paths, out->json, context).source, out);
}

void describe_lines(const std::shared_ptr<FileSystem>& files, const LineCandidate& best,
                    const FileOpenContext& context, ProbeResult* out) {
  out->line = best.options;
  out->line.input = to_input_options(*out);
  out->line.ragged = out->rows.ragged;
  out->line.on_error = out->rows.on_error;
  out->preset = best.preset;
  // Logs have lines that belong to the line before them; the warning counts them.
  if (!best.preset.empty()) out->line.on_error = RowErrorPolicy::kSkip;
  if (best.has_header) {
    out->warnings.push_back(
        "the first line looks like a header, but files of lines have none: it is read as a row, "
        "and "
        "all columns as text; write the names into mappings, and leave it out with WHERE");
  }
  if (best.whole_lines) {
    out->warnings.push_back(
        "each line is read as one text, since nothing splits the lines evenly; to have them split, "
        "name a delimiter (CSV) or a split_delimiter (lines)");
  }
  if (out->rows.layout_is_given) return;
  const FileTable table = open_line_files(files, out->paths, out->line, context);
  if (!best.preset.empty() && warnings_of(*table.source).empty()) {
    out->line.on_error = out->rows.on_error;
  }
  describe_source(table.source, out);
}

JsonCandidate broken_json(std::string_view text) {
  const bool array = text[text.find_first_not_of(" \t\r\n")] == '[';
  JsonCandidate out;
  out.candidate = {array ? "json_array" : "json_lines", "json", 0.95,
                   "the text begins as JSON does, though the sample is not all JSON"};
  if (array) out.options.format = JsonFormat::kArray;
  return out;
}

// "data/x.CSV.gz" says that it is a table.
bool is_named_table(const std::string& path) {
  const std::string file_name = file_name_of(path);
  const std::string_view name = without_compression_ending(file_name);
  const size_t dot = name.rfind('.');
  const std::string ending =
      dot == std::string_view::npos ? "" : to_lower_ascii(name.substr(dot + 1));
  return ending == "csv" || ending == "tsv" || ending == "tab" || ending == "psv";
}

[[noreturn]] void refuse_mixture(const std::string& first, const std::string& other,
                                 const std::string& what, const std::string& advice) {
  throw Error(ErrorKind::kFileFormat,
              concat("'", other, "' does not begin as '", first, "' does: ", what, "; ", advice));
}

std::string shown_row(const std::vector<std::string>& row) {
  return concat("'", excerpt(join_texts(row, ", "), 60), "'");
}

// One format is told to the reader of all files, and the first one gave it. Where the others begin
// otherwise a row would be lost, or a header would be read as one.
void check_other_files(const std::shared_ptr<FileSystem>& files, const ProbeResult& probed,
                       const CsvBeginning& first, CsvCandidate* best) {
  const std::string& path = probed.paths.front();
  bool same_first_rows = true;
  std::string other_row_of;
  for (size_t i = 1; i < probed.paths.size(); ++i) {
    const std::string& other = probed.paths[i];
    EncodingGuess guess;
    const auto file = TextFile::open_guessing(files, other, probed.input, &guess);
    if (!probed.encoding_confidence.empty() && file->encoding() != probed.encoding) {
      const std::string text = read_sample(*file, kBeginningBytes).first;
      const bool ascii = std::all_of(text.begin(), text.end(),
                                     [](char c) { return static_cast<signed char>(c) >= 0; });
      if (!ascii) {
        refuse_mixture(path, other,
                       concat("it is in ", file->encoding(), ", not in ", probed.encoding),
                       "say encoding, or read them one by one");
      }
    }
    const SampleText text = read_sample(*file, kBeginningBytes);
    const CsvBeginning begins = judge_beginning(text.view(), *best);
    if (!begins.row_in_title.empty()) {
      refuse_mixture(path, other,
                     concat("its line '", excerpt(begins.row_in_title, 60),
                            "' is no title, as the first ", best->skip_lines, " lines there are"),
                     "say skip_lines, or read them one by one");
    }
    if (begins.first_row.empty()) continue;
    if (begins.first_row != first.first_row) {
      same_first_rows = false;
      if (other_row_of.empty()) other_row_of = other;
    }
    if (begins.header_is_sure && begins.header != best->header && best->header_is_sure) {
      refuse_mixture(path, other,
                     concat("its first row ", shown_row(begins.first_row),
                            begins.header ? " is a header, and there is none there"
                                          : " is data, and there it is a header"),
                     "say header, or read them one by one");
    }
    if (begins.header_is_sure && !best->header_is_sure) {
      best->header = begins.header;
      best->header_is_sure = true;
    }
  }
  if (best->header_is_sure) return;
  // What every file begins with is a header; rows differ. Names may differ where they are joined.
  if (same_first_rows) {
    best->header = best->header_is_sure = true;
  } else if (!probed.input.union_by_name) {
    best->header = false;
  }
}

const char* confidence_of(const std::vector<ProbeCandidate>& candidates) {
  const double best = candidates[0].score;
  const double lead = candidates.size() > 1 ? best - candidates[1].score : best;
  if (best >= 0.9 && lead >= 0.1) return "high";
  return best >= 0.5 && lead >= 0.05 ? "medium" : "low";
}

}  // namespace

ProbeResult probe_file(std::shared_ptr<FileSystem> files, const std::string& path,
                       const FileOpenContext& context) {
  return probe_files(std::move(files), {path}, InputOptions(), context);
}

ProbeResult probe_files(std::shared_ptr<FileSystem> files, const std::vector<std::string>& patterns,
                        const InputOptions& input, const FileOpenContext& context,
                        const RowPolicies& rows) {
  const std::vector<std::string> paths = expand_paths(*files, patterns);
  const std::string& path = paths.front();
  EncodingGuess guess;
  const auto file = TextFile::open_guessing(files, path, input, &guess);
  SampleText text = read_sample(*file);
  const bool named_table = is_named_table(path);
  std::vector<CsvCandidate> tables;
  for (size_t part = kPartBytes;; part *= 8) {
    bool wants_more = false;
    tables = judge_csv(text.view(), named_table, &wants_more);
    if (!wants_more || text.whole_file || part >= kMostPartBytes) break;
    text = read_sample(*file, std::min(part * 8, kMostPartBytes));
  }
  const ProbeSample sample = text.view();
  if (!has_content(sample.text)) {
    throw Error(ErrorKind::kFileFormat,
                concat("'", path, "' is empty but for blank lines; it has no columns to read"));
  }

  ProbeResult out;
  out.path = patterns.size() == 1 ? patterns.front() : path;
  out.paths = paths;
  out.input = input;
  out.rows = rows;
  out.text = file;
  out.encoding = file->encoding();
  out.compression = std::string(compression_name(file->compression()));
  if (!guess.encoding.empty()) {
    out.encoding_confidence = guess.confidence;
    out.warnings.push_back(concat("the file is not UTF-8 and is read as ", guess.encoding,
                                  " (confidence ", guess.confidence, "): ", guess.reason,
                                  "; say encoding to be sure"));
  }
  out.suggested_table_name = table_name_from_path(path);
  std::vector<JsonCandidate> jsons = judge_json(sample);
  const std::vector<LineCandidate> lines = judge_lines(sample);
  // JSON objects with the same keys also have the same number of commas; nothing else looks like
  // JSON.
  bool json = std::any_of(jsons.begin(), jsons.end(), [](const JsonCandidate& candidate) {
    return candidate.candidate.score >= 0.9;
  });
  if (!json && begins_like_json(sample.text)) {
    // Its reader finds the defect, or reads what the sample was too short for.
    jsons.assign(1, broken_json(sample.text));
    json = true;
  }
  struct Ranked {
    ProbeCandidate candidate;
    std::function<void()> describe;
    bool doubtful = false;
  };
  std::vector<Ranked> ranked;
  for (const JsonCandidate& found : jsons) {
    ranked.push_back({found.candidate, [&] { describe_json(files, found, context, &out); }});
  }
  for (CsvCandidate& found : tables) {
    if (json) found.candidate.score *= 0.5;
    ranked.push_back({found.candidate,
                      [&] {
                        if (out.paths.size() > 1 && !out.rows.layout_is_given) {
                          check_other_files(files, out, judge_beginning(sample, found), &found);
                        }
                        describe_csv(files, found, context, &out);
                      },
                      found.doubtful});
  }
  for (const LineCandidate& found : lines) {
    ranked.push_back({found.candidate, [&] { describe_lines(files, found, context, &out); }});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return a.candidate.score > b.candidate.score;
  });
  for (const Ranked& entry : ranked) out.candidates.push_back(entry.candidate);
  const ProbeCandidate& best = out.candidates.front();
  for (size_t i = 1; i < out.candidates.size(); ++i) {
    // Tables that lost to tables say why already.
    std::string& reason = out.candidates[i].reason;
    if (reason.find("; lost: ") != std::string::npos) continue;
    reason += concat("; lost to ", best.format, ": ", best.reason);
  }
  out.kind = best.kind;
  out.final_format = best.format;
  out.score = best.score;
  out.confidence = ranked.front().doubtful ? "low" : confidence_of(out.candidates);
  ranked.front().describe();
  return out;
}

InputOptions to_input_options(const ProbeResult& result) {
  InputOptions input = result.input;
  // A mark in the file says it, and so does nothing at all.
  if (!result.encoding_confidence.empty()) input.encoding = result.encoding;
  return input;
}

CsvOptions to_csv_options(const ProbeResult& result) {
  VELARIA_CHECK(result.kind == "csv");
  CsvOptions options;
  options.input = to_input_options(result);
  options.delimiter = result.delimiter;
  options.quote = result.quote;
  options.escape = result.escape;
  options.header = result.header;
  options.skip_lines = result.skip_lines;
  options.comment = result.comment;
  options.ragged = result.rows.ragged;
  options.on_error = result.rows.on_error;
  if (result.paths.size() > 1 && result.header) {
    // Columns go by name when the caller wants that.
    for (const Field& field : result.columns) options.types[field.name] = field.type;
  } else {
    options.columns = result.columns;
  }
  options.null_words = result.null_words;
  return options;
}

// Whether the layout that is given, as far as it is, is the one that was found.
bool is_layout_of(const ProbeResult& result, const std::map<std::string, std::string>& given) {
  const auto agrees = [&given](const char* name, const std::string& found) {
    const auto it = given.find(name);
    return it == given.end() || OptionText{"", name, it->second}.characters() == found;
  };
  const auto text_of = [](char c) { return c == '\0' ? std::string() : std::string(1, c); };
  return agrees("delimiter", result.delimiter) && agrees("quote", text_of(result.quote)) &&
         agrees("escape", text_of(result.escape)) && agrees("comment", result.comment) &&
         agrees("skip_lines", std::to_string(result.skip_lines));
}

std::map<std::string, std::string> with_probed_options(const ProbeResult& result,
                                                       std::map<std::string, std::string> given) {
  std::map<std::string, std::string> options;
  for (const auto& [name, text] : given) options[to_lower_ascii(name)] = text;
  const auto is_given = [&](const char* name) { return options.count(name) != 0; };
  // emplace: what was given stays.
  if (!result.encoding_confidence.empty()) options.emplace("encoding", result.encoding);
  if (result.kind == "csv" && !is_layout_of(result, options)) {
    // What was found belongs to another layout: what is not given is as it is by default.
    return options;
  }
  if (result.kind == "csv") {
    options.emplace("delimiter", result.delimiter);
    options.emplace("quote", result.quote == '\0' ? std::string() : std::string(1, result.quote));
    if (result.escape != '\0') options.emplace("escape", std::string(1, result.escape));
    if (result.skip_lines > 0) options.emplace("skip_lines", std::to_string(result.skip_lines));
    if (!result.comment.empty()) options.emplace("comment", result.comment);
    options.emplace("header", result.header ? "true" : "false");
    // Who says what NULL is has said it.
    if (!result.null_words.empty() && !is_given("null_text")) {
      std::vector<std::string> words;
      for (const std::string& word : result.null_words) {
        if (word.find(options["delimiter"]) == std::string::npos) words.push_back(word);
      }
      options.emplace("null_words", join_texts(words, ","));
    }
  } else if (result.kind == "json") {
    options.emplace("format", result.final_format);
    if (!is_given("on_error") && result.json.multiline.value_or(false)) {
      options.emplace("multiline", "true");
    }
  } else if (!is_given("mode") && !is_given("preset") && !is_given("regex_pattern") &&
             !is_given("split_delimiter")) {
    if (result.line.on_error == RowErrorPolicy::kSkip) options.emplace("on_error", "skip");
    std::vector<std::string> types;
    for (const auto& [name, type] : result.line.types) {
      types.push_back(concat('"', name, "\" ", type.to_string()));
    }
    if (!types.empty()) options.emplace("types", join_texts(types, ", "));
    if (!result.preset.empty()) {
      options.emplace("preset", result.preset);
      return options;
    }
    options.emplace("mode", result.line.mode == LineMode::kRegex ? "regex" : "split");
    if (result.line.mode == LineMode::kRegex) {
      options.emplace("regex_pattern", result.line.regex_pattern);
    } else {
      options.emplace("split_delimiter", result.line.split_delimiter);
    }
  }
  return options;
}

std::string table_name_from_path(const std::string& path) {
  const std::string file = file_name_of(path);
  std::string out;
  for (char c : std::string_view(file).substr(0, file.find('.', 1))) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (word) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  if (out.empty()) return "data";
  return out[0] >= '0' && out[0] <= '9' ? "t_" + out : out;
}

}  // namespace velaria
