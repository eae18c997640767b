#include "src/io/line/line_source.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <optional>
#include <utility>

#include "src/base/text.h"
#include "src/io/csv/csv_evidence.h"
#include "src/io/line/line_layout.h"

namespace velaria {

namespace {

constexpr int64_t kBatchRows = 1024;
constexpr int kMostFields = 10000;

std::optional<int> number_of(const std::string& text) {
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// The first line that is not blank, and not left out for bytes that are no text.
std::string first_line(const LineLayout& layout, const TextPass& pass,
                       const CancellationToken* cancellation) {
  LineLayout whole_lines = layout;
  whole_lines.options.mode = LineMode::kRegex;
  whole_lines.options.skip_empty_lines = true;
  whole_lines.options.null_texts.clear();
  whole_lines.pattern = compile_regular_expression(".*", "s");
  whole_lines.fast_pattern = nullptr;
  whole_lines.places = {0};
  const auto cutter = whole_lines.cut(pass, cancellation);
  const auto rows = whole_lines.read_rows({0}, nullptr);
  TextRange range;
  try {
    while (whole_lines.next_range(cutter.get(), pass, &range)) {
      rows->start(&range);
      while (rows->next(1) == 1) {
        FieldSpan span;
        rows->spans_of(0, &span);
        std::string line(range.text() + span.begin, span.length());
        if (!is_blank_line(layout.options, line)) return line;
      }
    }
  } catch (const TextDefect& defect) {
    throw layout.defect_error(pass, defect, range.file_offset + defect.offset);
  }
  throw Error(ErrorKind::kFileFormat,
              concat("'", layout.path(), "' has only blank lines; it has no columns to read"));
}

std::vector<Field> split_fields(LineLayout* layout, const TextPass& pass,
                                const CancellationToken* cancellation) {
  std::vector<Field> fields;
  for (const LineMapping& mapping : layout->options.mappings) {
    const auto place = number_of(mapping.from);
    if (!place || *place >= kMostFields) {
      throw Error(
          ErrorKind::kInvalidArgument,
          concat("mappings says that column '", excerpt(mapping.name), "' is field '",
                 excerpt(mapping.from), "'; fields have numbers from 0 to ", kMostFields - 1));
    }
    layout->places.push_back(*place);
    fields.push_back({mapping.name, DataType(TypeId::kUtf8)});
  }
  if (!fields.empty()) return fields;
  std::vector<std::string_view> parts;
  const std::string line = first_line(*layout, pass, cancellation);
  split_line(layout->options, line, &parts);
  if (parts.size() > static_cast<size_t>(kMostFields)) {
    throw Error(ErrorKind::kFileFormat,
                concat("the first line of '", layout->path(), "' has ", parts.size(),
                       " fields; at most ", kMostFields, " can be read"));
  }
  layout->exact_fields = true;
  for (size_t i = 0; i < parts.size(); ++i) {
    layout->places.push_back(static_cast<int>(i));
    fields.push_back({concat("column", i + 1), DataType(TypeId::kUtf8)});
  }
  return fields;
}

std::vector<Field> group_fields(LineLayout* layout) {
  layout->pattern = compile_regular_expression(layout->options.regex_pattern, "");
  layout->fast_pattern = TaggedDfa::compile(layout->options.regex_pattern);
  const int groups = layout->pattern->group_count();
  const std::map<std::string, int> numbers = layout->pattern->group_numbers();
  std::vector<Field> fields;
  for (const LineMapping& mapping : layout->options.mappings) {
    const auto named = numbers.find(mapping.from);
    const auto number = named != numbers.end() ? named->second : number_of(mapping.from);
    if (!number || *number > groups) {
      std::vector<std::string> names;
      for (const auto& [name, at] : numbers) names.push_back(name);
      throw Error(ErrorKind::kInvalidArgument,
                  concat("mappings says that column '", excerpt(mapping.name), "' is group '",
                         excerpt(mapping.from), "', but the pattern has ", groups,
                         groups == 1 ? " group" : " groups",
                         names.empty() ? "" : concat(" (", join_texts(names, ", "), ")"),
                         "; 0 is the whole match"));
    }
    layout->places.push_back(*number);
    fields.push_back({mapping.name, DataType(TypeId::kUtf8)});
  }
  if (!fields.empty()) return fields;
  if (groups == 0) {
    layout->places.push_back(0);
    return {{"match", DataType(TypeId::kUtf8)}};
  }
  for (int group = 1; group <= groups; ++group) {
    std::string name = concat("column", group);
    for (const auto& [text, number] : numbers) {
      if (number == group) name = text;
    }
    layout->places.push_back(group);
    fields.push_back({name, DataType(TypeId::kUtf8)});
  }
  return fields;
}

void apply_group_types(LineLayout* layout, std::vector<Field>* fields) {
  if (layout->options.group_types.empty()) return;
  for (const auto& [group, number] : layout->pattern->group_numbers()) {
    const auto typed = layout->options.group_types.find(group);
    if (typed == layout->options.group_types.end()) continue;
    for (size_t i = 0; i < fields->size(); ++i) {
      if (layout->places[i] != number) continue;
      (*fields)[i].type = typed->second;
      layout->inferred[i] = false;
    }
  }
}

// The types of a file that must have the columns of another one, where none are named.
void apply_types_of_another_file(LineLayout* layout, std::vector<Field>* fields) {
  layout->of_another_file.assign(fields->size(), false);
  const std::vector<Field>& wanted = layout->options.input.inferred_columns;
  if (wanted.empty()) return;
  require_columns_of_another_file(layout->path(), *fields, wanted);
  for (size_t i = 0; i < fields->size(); ++i) {
    if (!layout->inferred[i]) continue;
    (*fields)[i].type = wanted[i].type;
    layout->inferred[i] = false;
    layout->of_another_file[i] = true;
  }
}

void apply_named_types(LineLayout* layout, bool may_lack_columns, std::vector<Field>* fields) {
  std::vector<std::string> names;
  for (const Field& field : *fields) names.push_back(field.name);
  for (const auto& [name, type] : layout->options.types) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      if (may_lack_columns) continue;
      throw Error(ErrorKind::kInvalidArgument,
                  concat("types names column '", excerpt(name), "', which there is not",
                         did_you_mean(name, names), "; the columns are ", join_texts(names, ", ")));
    }
    const auto place = static_cast<size_t>(found - names.begin());
    (*fields)[place].type = type;
    layout->inferred[place] = false;
  }
}

class EvidencePass {
 public:
  explicit EvidencePass(const LineLayout& layout)
      : layout_(layout), evidence_(layout.schema.size()) {}

  void run(const TextPass& pass, const FileOpenContext& context) {
    visit_ranges(layout_, pass, context, [this] { return std::make_unique<Visitor>(this); });
    rejected_.good_rows = rows_;
    rejected_.finish(pass);
  }

  int64_t rows() const { return rows_; }
  RejectedRows& rejected() { return rejected_; }
  std::vector<TypeEvidence>& evidence() { return evidence_; }

 private:
  class Visitor : public RangeVisitor {
   public:
    explicit Visitor(EvidencePass* pass) : pass_(pass), spans_(kBatchRows) {
      for (size_t i = 0; i < pass->layout_.schema.size(); ++i) {
        if (pass->layout_.inferred[i]) columns_.push_back(i);
      }
      evidence_.resize(columns_.size());
      reader_ = pass->layout_.read_rows(columns_, &rejected_);
    }

    void visit(TextRange* range) override {
      reader_->start(range);
      while (const int64_t count = reader_->next(kBatchRows)) {
        rows_ += count;
        for (size_t i = 0; i < columns_.size(); ++i) {
          if (!evidence_[i].is_open()) continue;
          reader_->spans_of(i, spans_.data());
          for (int64_t row = 0; row < count; ++row) {
            const FieldSpan span = spans_[static_cast<size_t>(row)];
            if (!span.is_null()) evidence_[i].observe(range->text(), span, plain_text_dialect());
          }
        }
      }
    }

    void finish() override {
      const std::lock_guard<std::mutex> lock(pass_->mutex_);
      pass_->rows_ += rows_;
      pass_->rejected_.merge(std::move(rejected_));
      for (size_t i = 0; i < columns_.size(); ++i) {
        pass_->evidence_[columns_[i]].merge(evidence_[i]);
      }
    }

   private:
    EvidencePass* const pass_;
    std::vector<FieldSpan> spans_;
    std::vector<size_t> columns_;
    std::vector<TypeEvidence> evidence_;
    std::unique_ptr<RowReader> reader_;
    RejectedRows rejected_;
    int64_t rows_ = 0;
  };

  const LineLayout& layout_;
  std::mutex mutex_;
  std::vector<TypeEvidence> evidence_;
  RejectedRows rejected_;
  int64_t rows_ = 0;
};

std::shared_ptr<TextSource> open(std::shared_ptr<FileSystem> files, const std::string& path,
                                 LineOptions options, const FileOpenContext& context,
                                 bool may_lack_columns) {
  check_line_options(options);
  auto layout = std::make_shared<LineLayout>();
  layout->options = std::move(options);
  layout->text =
      TextFile::open(std::move(files), path, layout->options.input, layout->options.on_error);
  const std::shared_ptr<const TextPass> text_pass = layout->text->open_pass();
  std::vector<Field> fields = layout->options.mode == LineMode::kRegex
                                  ? group_fields(layout.get())
                                  : split_fields(layout.get(), *text_pass, context.cancellation);
  layout->inferred.assign(fields.size(), true);
  apply_group_types(layout.get(), &fields);
  apply_named_types(layout.get(), may_lack_columns, &fields);
  apply_types_of_another_file(layout.get(), &fields);
  layout->schema = Schema(fields);
  // Refuse a type without a text form now, not in the first scan.
  for (size_t i = 0; i < fields.size(); ++i) layout->decoder(i);

  const bool skip = layout->options.on_error == RowErrorPolicy::kSkip;
  const std::vector<bool>& inferred = layout->inferred;
  std::optional<int64_t> rows;
  std::vector<TypeEvidence> evidence(fields.size());
  if (skip || std::find(inferred.begin(), inferred.end(), true) != inferred.end()) {
    EvidencePass pass(*layout);
    pass.run(*text_pass, context);
    rows = pass.rows();
    evidence = std::move(pass.evidence());
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!inferred[i]) continue;
      fields[i].type = evidence[i].type();
      if (evidence[i].has_too_many_digits()) {
        layout->warnings.push_back(too_many_digits(fields[i].name));
      }
    }
    layout->schema = Schema(std::move(fields));
    if (skip) {
      const std::vector<size_t> may_not_fit = columns_that_may_not_fit(*layout);
      auto rejected = std::make_shared<RejectedRows>(
          may_not_fit.empty() ? std::move(pass.rejected())
                              : find_text_rejects(*layout, *text_pass, context, may_not_fit));
      rows = rejected->good_rows;
      layout->rejected = std::move(rejected);
    }
  }
  return std::make_shared<InferredTextSource<TypeEvidence>>(std::move(layout), rows,
                                                            std::move(evidence));
}

}  // namespace

std::shared_ptr<TextSource> open_lines(std::shared_ptr<FileSystem> files, const std::string& path,
                                       LineOptions options, const FileOpenContext& context) {
  return open(std::move(files), path, std::move(options), context, false);
}

FileTable open_line_files(std::shared_ptr<FileSystem> files,
                          const std::vector<std::string>& patterns, const LineOptions& options,
                          const FileOpenContext& context) {
  FileTableFormat format;
  format.name = "line";
  format.open = [&](const std::string& path, bool may_lack_columns, const FileOpenContext& inner) {
    return open(files, path, options, inner, may_lack_columns);
  };
  return open_file_table(*files, patterns, options.input, options.types, format, context);
}

}  // namespace velaria
