#include "src/io/json/json_source.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "src/base/text.h"
#include "src/io/json/json_evidence.h"
#include "src/io/json/json_keys.h"
#include "src/io/json/json_layout.h"
#include "src/io/noted_source.h"

namespace velaria {

namespace {

constexpr size_t kHeadBytes = size_t{64} << 10;
constexpr size_t kOthers = 1000;
constexpr int64_t kBatchRows = int64_t{1} << 30;

// A key that was met, and where first: range << 32 | place in the range.
struct KeyColumn {
  std::string name;
  JsonEvidence evidence;
  uint64_t first_seen = UINT64_MAX;
};

struct FileEvidence {
  std::vector<KeyColumn> columns;
  std::vector<std::string>
      others;  // keys that were not asked for, for suggestions; at most kOthers
  int64_t rows = 0;
  RejectedRows rejected;
};

// Objects -> evidence for the types of every key, or of the keys that are named.
class EvidenceSink {
 public:
  EvidenceSink(const JsonLayout& layout, const std::map<std::string, bool>& named)
      : layout_(layout), named_(named), buffered_(layout.rules.skip_bad_lines) {}

  FileEvidence found;

  void start_range(JsonRows* rows, TextRange* range) {
    rows_ = rows;
    range_ = range;
    next_place_ = range->index << 32;
  }

  void start_object(size_t) {
    keys_.start_object();
    ++object_;
  }
  void end_object() {
    for (const Seen& seen : seen_) take(seen);
    seen_.clear();
    ++found.rows;
  }
  void abandon_object() { seen_.clear(); }
  void reject(TextDefect& defect, size_t begin, size_t end) {
    found.rejected.add(rejected_line(layout_, *range_, defect, begin, end));
  }

  int32_t key(const char* text, size_t size, size_t offset) {
    int32_t column = keys_.find(text, size);
    if (column == JsonKeys::kUnknown) column = find_by_name({text, size}, offset);
    if (column < 0) return column;
    const auto i = static_cast<size_t>(column);
    if (last_object_[i] == object_) throw duplicate_key(found.columns[i].name, offset);
    last_object_[i] = object_;
    return column;
  }
  void null(int32_t column) { tell({column, Kind::kNull, 0, 0}); }
  void boolean(int32_t column, size_t, size_t) { tell({column, Kind::kBool, 0, 0}); }
  void nested(int32_t column, size_t, size_t) { tell({column, Kind::kOther, 0, 0}); }
  void number(int32_t column, size_t begin, size_t end) {
    const size_t base = rows_->window_begin();
    tell({column, Kind::kNumber, base + begin, base + end});
  }
  void string(int32_t column, size_t begin, size_t end) {
    const size_t base = rows_->window_begin();
    const bool escapes = rows_->has_escapes(base + begin, base + end);
    tell({column, escapes ? Kind::kOther : Kind::kString, base + begin, base + end});
  }

 private:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kOther };
  struct Seen {
    int32_t column;
    Kind kind;
    size_t begin;
    size_t end;
  };

  void tell(const Seen& seen) {
    if (buffered_) {
      seen_.push_back(seen);
    } else {
      take(seen);
    }
  }

  void take(const Seen& seen) {
    KeyColumn& column = found.columns[static_cast<size_t>(seen.column)];
    if (column.first_seen == UINT64_MAX) column.first_seen = next_place_++;
    const char* text = range_->text() + seen.begin;
    switch (seen.kind) {
      case Kind::kNull: break;
      case Kind::kBool: column.evidence.boolean(); break;
      case Kind::kNumber: column.evidence.number(text, seen.end - seen.begin); break;
      case Kind::kString: column.evidence.string(text, seen.end - seen.begin); break;
      case Kind::kOther: column.evidence.other(); break;
    }
  }

  int32_t find_by_name(std::string_view key, size_t offset) {
    const std::string name = json_key_name(key, offset);
    if (!named_.empty() && named_.count(name) == 0) {
      if (layout_.options.unknown_keys == UnknownKeyPolicy::kFail) throw unknown_key(name, offset);
      if (found.others.size() < kOthers) found.others.push_back(name);
      keys_.add(key, -1);
      return -1;
    }
    const auto [place, added] = places_.emplace(name, static_cast<int32_t>(found.columns.size()));
    if (added) {
      if (static_cast<int64_t>(found.columns.size()) >= layout_.options.max_columns) {
        throw Error(ErrorKind::kFileFormat,
                    concat("'", layout_.path(), "' has more than ", layout_.options.max_columns,
                           " different keys, such as '", excerpt(name),
                           "'; name those to read in columns, or raise max_columns"));
      }
      found.columns.push_back({name, {}, UINT64_MAX});
      last_object_.push_back(0);
    }
    keys_.add(key, place->second);
    return place->second;
  }

  const JsonLayout& layout_;
  const std::map<std::string, bool>& named_;
  const bool buffered_;  // an object may turn out to be a bad line: its values do not count then
  std::vector<Seen> seen_;
  JsonKeys keys_;
  std::unordered_map<std::string, int32_t> places_;
  std::vector<uint64_t> last_object_;
  JsonRows* rows_ = nullptr;
  TextRange* range_ = nullptr;
  uint64_t object_ = 0;
  uint64_t next_place_ = 0;
};

class EvidencePass {
 public:
  EvidencePass(const JsonLayout& layout, std::map<std::string, bool> named)
      : layout_(layout), named_(std::move(named)) {}

  FileEvidence run(const TextPass& pass, const FileOpenContext& context) {
    visit_ranges(layout_, pass, context, [this] { return std::make_unique<Visitor>(this); });
    total_.rejected.good_rows = total_.rows;
    total_.rejected.finish(pass);
    if (static_cast<int64_t>(total_.columns.size()) > layout_.options.max_columns) {
      throw Error(ErrorKind::kFileFormat,
                  concat("'", layout_.path(), "' has more than ", layout_.options.max_columns,
                         " different keys; name those to read in columns, or raise max_columns"));
    }
    std::sort(total_.columns.begin(), total_.columns.end(),
              [](const KeyColumn& a, const KeyColumn& b) { return a.first_seen < b.first_seen; });
    return std::move(total_);
  }

 private:
  class Visitor : public RangeVisitor {
   public:
    explicit Visitor(EvidencePass* pass)
        : pass_(pass), rows_(pass->layout_.rules), sink_(pass->layout_, pass->named_) {}
    void visit(TextRange* range) override {
      rows_.start(range);
      sink_.start_range(&rows_, range);
      rows_.next(kBatchRows, &sink_);
    }
    void finish() override { pass_->merge(sink_.found); }

   private:
    EvidencePass* const pass_;
    JsonRows rows_;
    EvidenceSink sink_;
  };

  void merge(FileEvidence& part) {
    const std::lock_guard<std::mutex> lock(mutex_);
    total_.rows += part.rows;
    total_.rejected.merge(std::move(part.rejected));
    total_.others.insert(total_.others.end(), part.others.begin(), part.others.end());
    for (KeyColumn& column : part.columns) {
      if (column.first_seen == UINT64_MAX) continue;  // in bad lines only
      const auto [place, added] = places_.emplace(column.name, total_.columns.size());
      if (added) {
        total_.columns.push_back(std::move(column));
        continue;
      }
      KeyColumn& known = total_.columns[place->second];
      known.evidence.merge(column.evidence);
      known.first_seen = std::min(known.first_seen, column.first_seen);
    }
  }

  const JsonLayout& layout_;
  const std::map<std::string, bool> named_;
  std::mutex mutex_;
  FileEvidence total_;
  std::unordered_map<std::string, size_t> places_;
};

void decide_lines(const TextPass& pass, JsonLayout* layout) {
  layout->rules.array = layout->options.format == JsonFormat::kArray;
  layout->rules.skip_bad_lines = layout->options.on_error == RowErrorPolicy::kSkip;
  bool multiline = layout->options.multiline.value_or(false);
  if (!layout->options.multiline && !layout->rules.array) {
    multiline = json_objects_span_lines(pass.text_at(layout->text->text_begin(), kHeadBytes));
  }
  // Lines that are no objects can only be left out where lines are rows.
  layout->rules.lines = !layout->rules.array && (!multiline || layout->rules.skip_bad_lines);
}

std::vector<std::string> names_of(const FileEvidence& evidence) {
  std::vector<std::string> out = evidence.others;
  for (const KeyColumn& column : evidence.columns) out.push_back(column.name);
  std::sort(out.begin(), out.end());
  return out;
}

[[noreturn]] void refuse_name(const JsonLayout& layout, const char* option, const std::string& name,
                              const std::vector<std::string>& known) {
  throw Error(ErrorKind::kInvalidArgument,
              concat(option, " names '", excerpt(name), "', which no object of '", layout.path(),
                     "' has as a key", did_you_mean(name, known)));
}

// Of one of several files, where another file may have what this one lacks.
struct MissingNames {
  std::vector<std::string> columns;  // named in columns, with nothing that says their types
  std::vector<std::string> types;    // named in types alone
};

std::string null_column(const std::string& name, const std::string& where,
                        const std::vector<std::string>& known) {
  return concat("types names '", excerpt(name), "', which no object of ", where, " has as a key",
                did_you_mean(name, known), "; its column is NULL");
}

// The columns of the schema and what their types come from, once the file was looked at. `missing`
// is null for a file alone, for which a name in columns that is missing is an error.
std::vector<JsonEvidence> choose_columns(const FileEvidence& evidence, JsonLayout* layout,
                                         MissingNames* missing) {
  const std::vector<KeyColumn>& keys = evidence.columns;
  const JsonOptions& options = layout->options;
  std::map<std::string, const KeyColumn*> by_name;
  for (const KeyColumn& key : keys) by_name[key.name] = &key;
  std::vector<JsonColumn> wanted = options.columns;
  const std::vector<Field>& of_another_file = options.input.inferred_columns;
  const bool named = !wanted.empty();
  for (const Field& field : named ? std::vector<Field>() : of_another_file) {
    wanted.push_back({field.name, field.type});
  }
  if (wanted.empty()) {
    for (const KeyColumn& key : keys) wanted.push_back({key.name, std::nullopt});
  }
  std::vector<Field> fields;
  std::vector<JsonEvidence> out;
  layout->inferred.clear();
  layout->of_another_file.clear();
  std::vector<std::string> names;
  for (const JsonColumn& column : wanted) {
    names.push_back(column.name);
    const auto typed = options.types.find(column.name);
    const auto found = by_name.find(column.name);
    const bool given = typed != options.types.end() || column.type;
    out.push_back(found == by_name.end() ? JsonEvidence() : found->second->evidence);
    if (given) {
      fields.push_back({column.name, typed != options.types.end() ? typed->second : *column.type});
    } else {
      if (found == by_name.end()) {
        if (missing == nullptr) refuse_name(*layout, "columns", column.name, names_of(evidence));
        missing->columns.push_back(column.name);
      }
      fields.push_back({column.name, out.back().type()});
      if (out.back().has_too_many_digits()) {
        layout->warnings.push_back(too_many_digits(column.name));
      }
    }
    layout->inferred.push_back(!given);
    layout->of_another_file.push_back(!named && !of_another_file.empty() &&
                                      typed == options.types.end());
  }
  for (const auto& [name, type] : options.types) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (named) refuse_name(*layout, "types", name, names);
    // How often a key occurs plays no part, not even when it is never.
    if (missing != nullptr) {
      missing->types.push_back(name);
    } else {
      layout->warnings.push_back(null_column(name, concat("'", layout->path(), "'"), names));
    }
    fields.push_back({name, type});
    out.emplace_back();
    layout->inferred.push_back(false);
    layout->of_another_file.push_back(false);
  }
  layout->set_schema(std::move(fields));
  return out;
}

std::shared_ptr<TextSource> open(std::shared_ptr<FileSystem> files, const std::string& path,
                                 JsonOptions options, const FileOpenContext& context,
                                 MissingNames* missing) {
  check_json_options(options);
  auto layout = std::make_shared<JsonLayout>();
  layout->options = std::move(options);
  layout->text =
      TextFile::open(std::move(files), path, layout->options.input, layout->options.on_error);
  const std::shared_ptr<const TextPass> pass = layout->text->open_pass();
  decide_lines(*pass, layout.get());

  std::map<std::string, bool> named;
  bool all_typed =
      !layout->options.columns.empty() || !layout->options.input.inferred_columns.empty();
  for (const JsonColumn& column : layout->options.columns) {
    named[column.name] = true;
    all_typed = all_typed && (column.type || layout->options.types.count(column.name) != 0);
  }
  const bool skip = layout->rules.skip_bad_lines;
  FileEvidence evidence;
  std::optional<int64_t> rows;
  if (!all_typed || skip) {
    evidence = EvidencePass(*layout, std::move(named)).run(*pass, context);
    rows = evidence.rows;
    if (evidence.rows == 0 && layout->options.columns.empty() &&
        layout->options.input.inferred_columns.empty()) {
      throw Error(ErrorKind::kFileFormat,
                  concat("'", path,
                         "' has no objects, so it has no columns to read; name them in "
                         "columns, with types, if that is right"));
    }
  }
  std::vector<JsonEvidence> column_evidence = choose_columns(evidence, layout.get(), missing);
  // Refuse a type without a JSON form now, not in the first scan.
  for (size_t i = 0; i < layout->schema.size(); ++i) layout->decoder(i);
  if (skip) {
    const std::vector<size_t> may_not_fit = columns_that_may_not_fit(*layout);
    auto rejected = std::make_shared<RejectedRows>(
        may_not_fit.empty() ? std::move(evidence.rejected)
                            : find_text_rejects(*layout, *pass, context, may_not_fit));
    rows = rejected->good_rows;
    layout->rejected = std::move(rejected);
  }
  // Where rows are left out, every pass must judge them alike; else the pass above has checked all.
  layout->rules.strict = all_typed || skip;
  return std::make_shared<InferredTextSource<JsonEvidence>>(std::move(layout), rows,
                                                            std::move(column_evidence));
}

}  // namespace

std::shared_ptr<TextSource> open_json(std::shared_ptr<FileSystem> files, const std::string& path,
                                      JsonOptions options, const FileOpenContext& context) {
  return open(std::move(files), path, std::move(options), context, nullptr);
}

FileTable open_json_files(std::shared_ptr<FileSystem> files,
                          const std::vector<std::string>& patterns, const JsonOptions& options,
                          const FileOpenContext& context) {
  std::mutex mutex;
  std::map<std::string, size_t> lacking;  // by column: how many files have no such key
  std::map<std::string, size_t> untold;   // the same of names that stand in types alone
  FileTableFormat format;
  format.name = "json";
  format.by_name = true;
  format.open = [&](const std::string& path, bool may_lack_columns, const FileOpenContext& inner) {
    MissingNames missing;
    auto source = open(files, path, options, inner, may_lack_columns ? &missing : nullptr);
    const std::lock_guard<std::mutex> lock(mutex);
    for (const std::string& name : missing.columns) ++lacking[name];
    for (const std::string& name : missing.types) ++untold[name];
    return source;
  };
  FileTable table =
      open_file_table(*files, patterns, options.input, options.types, format, context);
  for (const auto& [name, count] : lacking) {
    if (count < table.files.size()) continue;
    throw Error(ErrorKind::kInvalidArgument,
                concat("columns names '", excerpt(name), "', which no object of the ", count,
                       " files has as a key"));
  }
  std::vector<std::string> warnings;
  for (const auto& [name, count] : untold) {
    if (count < table.files.size()) continue;
    std::vector<std::string> names = table.source->schema().names();
    names.erase(std::find(names.begin(), names.end(), name));
    warnings.push_back(null_column(name, concat("the ", count, " files"), names));
  }
  table.source = with_warnings(std::move(table.source), std::move(warnings));
  return table;
}

bool json_objects_span_lines(std::string_view head) {
  const size_t begin = head.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || head[begin] != '{') return false;
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = begin; i < head.size(); ++i) {
    const char c = head[i];
    if (in_string) {
      // A string that its line does not close is a defect of that line.
      if (c == '\n') return false;
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '\n' && depth > 0) {
      return true;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth <= 1) {
        // The first object is over: what follows on its line?
        const size_t next = head.find_first_not_of(" \t\r", i + 1);
        if (next == std::string_view::npos || head[next] == '\n') return false;
        return head.find('\n', next) == std::string_view::npos && head[next] == '{';
      }
      --depth;
    }
  }
  return false;
}

}  // namespace velaria
