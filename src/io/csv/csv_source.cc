#include "src/io/csv/csv_source.h"

#include <algorithm>
#include <numeric>

#include "src/base/text.h"
#include "src/io/csv/column_names.h"
#include "src/io/csv/csv_rejects.h"
#include "src/io/csv/csv_scan.h"

namespace velaria {

namespace {

constexpr size_t kMostColumns = 100000;

struct FirstRow {
  std::vector<std::string> texts;
  uint64_t end = 0;  // of the row, in the file
};

FirstRow read_first_row(const CsvLayout& layout, const TextPass& pass,
                        const CancellationToken* cancellation) {
  const auto cutter = layout.cut(pass, layout.data_begin, cancellation);
  CsvRange range;
  while (layout.next_range(cutter.get(), pass, &range)) {
    CarefulTokenizer rows(layout.dialect, {range.text(), range.size_bytes});
    std::vector<RawField> fields;
    try {
      while (rows.next_row(&fields)) {
        if (rows.row_is_blank()) continue;
        const size_t begin = rows.row_begin();
        const std::string_view row(range.text() + begin, rows.position() - begin);
        const size_t invalid = find_invalid_utf8(row);
        if (invalid < row.size()) {
          throw CsvDefect{"the bytes here are not valid UTF-8", "", begin + invalid,
                          CsvDefect::Kind::kEncoding};
        }
        if (fields.size() > kMostColumns) {
          throw CsvDefect{concat("the first row has ", fields.size(), " fields; at most ",
                                 kMostColumns, " columns can be read"),
                          "is this the delimiter of the file?", begin};
        }
        FirstRow out;
        for (const RawField& field : fields) {
          const FieldSpan span = span_of(layout.dialect, range.text(), field, {});
          out.texts.push_back(text_of(layout.dialect, range.text(), span));
        }
        // The last row may have got a line end that the file does not have.
        out.end = std::min(range.file_offset + rows.position(),
                           layout.text->text_bytes().value_or(UINT64_MAX));
        return out;
      }
    } catch (const CsvDefect& defect) {
      throw layout.defect_error(pass, defect, range.file_offset + defect.offset);
    }
  }
  throw Error(ErrorKind::kFileFormat,
              concat("'", layout.path(), "' has only blank lines; it has no columns to read"));
}

std::vector<Field> fields_from_header(const std::vector<std::string>& texts, bool header,
                                      std::vector<std::string>* warnings) {
  std::vector<size_t> places(texts.size());
  std::iota(places.begin(), places.end(), size_t{0});
  // Without a header all names are made up, and that is nothing to warn of.
  const std::vector<std::string> names =
      header ? unique_column_names(texts, places, warnings)
             : unique_column_names(std::vector<std::string>(texts.size()), places, nullptr);
  std::vector<Field> fields;
  for (const std::string& name : names) fields.push_back({name, DataType(TypeId::kUtf8)});
  return fields;
}

// The columns of a file that must have those of another one.
std::vector<Field> fields_of_another_file(const CsvLayout& layout,
                                          const std::vector<std::string>& texts, bool header,
                                          std::vector<std::string>* warnings) {
  const std::vector<Field>& wanted = layout.options.input.inferred_columns;
  if (!header) return wanted;
  require_columns_of_another_file(layout.path(), fields_from_header(texts, header, warnings),
                                  wanted, " in its header");
  return wanted;
}

void check_names_against_header(const CsvLayout& layout, const std::vector<std::string>& header,
                                std::vector<std::string>* warnings) {
  const std::vector<Field>& columns = layout.options.columns;
  if (header.size() != columns.size()) {
    throw Error(ErrorKind::kFileFormat, concat("'", layout.path(), "' has ", header.size(),
                                               " columns in its header, but "
                                               "columns names ",
                                               columns.size(), "; name them all, or none"));
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == header[i]) continue;
    const auto found = std::find(header.begin(), header.end(), columns[i].name);
    if (found != header.end()) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("columns has '", columns[i].name, "' at place ", i + 1,
                         ", but the header "
                         "of '",
                         layout.path(), "' has it at place ", found - header.begin() + 1,
                         "; columns go by position: give them in the file's order"));
    }
    warnings->push_back(
        concat("column '", excerpt(header[i]), "' of the file is read as '", columns[i].name, "'"));
  }
}

void apply_named_types(CsvLayout* layout, bool may_lack_columns, std::vector<Field>* fields) {
  std::vector<std::string> names;
  for (const Field& field : *fields) names.push_back(field.name);
  for (const auto& [name, type] : layout->options.types) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      if (may_lack_columns) continue;
      throw Error(ErrorKind::kInvalidArgument,
                  concat("types names column '", excerpt(name), "', which '", layout->path(),
                         "' does not have", did_you_mean(name, names)));
    }
    const auto place = static_cast<size_t>(found - names.begin());
    (*fields)[place].type = type;
    layout->inferred[place] = false;
    layout->of_another_file[place] = false;
  }
}

std::shared_ptr<CsvSource> open(std::shared_ptr<FileSystem> files, const std::string& path,
                                CsvOptions options, const FileOpenContext& context,
                                bool may_lack_columns) {
  check_csv_options(options);
  auto layout = std::make_shared<CsvLayout>();
  layout->options = std::move(options);
  layout->dialect = CsvDialect::of(layout->options);
  layout->text =
      TextFile::open(std::move(files), path, layout->options.input, layout->options.on_error);
  layout->data_begin = layout->text->text_begin();
  const std::shared_ptr<const TextPass> pass = layout->text->open_pass();
  if (layout->options.skip_lines > 0) {
    const auto begin = pass->behind_lines(layout->options.skip_lines);
    if (!begin) {
      throw Error(
          ErrorKind::kFileFormat,
          concat("'", path, "' has fewer lines than skip_lines=", layout->options.skip_lines));
    }
    layout->data_begin = *begin;
  }

  std::vector<std::string> warnings;
  const bool header = layout->options.header.value_or(true);
  std::vector<Field> fields = layout->options.columns;
  const bool named = !fields.empty();
  const bool given = named || !layout->options.input.inferred_columns.empty();
  // Where the columns are known and there is no header, no row need be there.
  FirstRow first;
  if (header || !given) first = read_first_row(*layout, *pass, context.cancellation);
  if (!given) {
    fields = fields_from_header(first.texts, header, &warnings);
  } else if (!named) {
    fields = fields_of_another_file(*layout, first.texts, header, &warnings);
  } else if (header) {
    check_names_against_header(*layout, first.texts, &warnings);
  }
  layout->inferred.assign(fields.size(), !given);
  layout->of_another_file.assign(fields.size(), given && !named);
  if (header) layout->data_begin = first.end;
  apply_named_types(layout.get(), may_lack_columns, &fields);
  for (const Field& field : fields) {
    // Refuse a type without a CSV form now, not in the first scan.
    ColumnDecoder::make(field.type, TypeOrigin::kNamed, layout->dialect);
  }
  layout->schema = Schema(fields);

  CsvEvidence evidence;
  const std::vector<bool>& inferred = layout->inferred;
  if (std::find(inferred.begin(), inferred.end(), true) != inferred.end()) {
    evidence = gather_evidence(*layout, *pass, inferred, context);
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!inferred[i]) continue;
      fields[i].type = evidence.columns[i].type();
      if (evidence.columns[i].has_too_many_digits()) {
        warnings.push_back(too_many_digits(fields[i].name));
      }
    }
    layout->schema = Schema(std::move(fields));
  }
  if (layout->options.on_error == RowErrorPolicy::kSkip) {
    layout->rejected = std::make_shared<RejectedRows>(find_csv_rejects(*layout, *pass, context));
  }
  return std::make_shared<CsvSource>(std::move(layout), std::move(evidence), std::move(warnings));
}

}  // namespace

CsvSource::CsvSource(std::shared_ptr<const CsvLayout> layout, CsvEvidence evidence,
                     std::vector<std::string> warnings)
    : layout_(std::move(layout)), evidence_(std::move(evidence)), warnings_(std::move(warnings)) {}

std::string CsvSource::describe() const {
  const std::string stored_as = layout_->text->stored_as();
  return concat("csv '", layout_->path(), "'",
                stored_as.empty() ? "" : concat(" (", stored_as, ")"));
}

std::vector<std::string> CsvSource::warnings() const {
  std::vector<std::string> out = warnings_;
  if (layout_->rejected) {
    for (std::string& warning : layout_->rejected->warnings()) out.push_back(std::move(warning));
  }
  return out;
}

TableSourcePtr CsvSource::rejects() const {
  return layout_->rejected ? make_reject_table(layout_->rejected->kept) : nullptr;
}

int64_t CsvSource::rejected_rows() const {
  return layout_->rejected ? layout_->rejected->count : 0;
}

uint64_t CsvSource::order_bound(int64_t chunk_rows) const {
  return chunk_order_bound(layout_->text->most_text_bytes(), layout_->options.range_bytes,
                           chunk_rows);
}

DataType CsvSource::common_type(const std::vector<FileColumn>& columns) const {
  return common_evidence(columns).type();
}

TableSourcePtr CsvSource::with_types(const std::vector<DataType>& types,
                                     const FileOpenContext& context) const {
  auto layout = std::make_shared<CsvLayout>(*layout_);
  std::vector<Field> fields = layout->schema.fields();
  for (size_t i = 0; i < fields.size(); ++i) {
    VELARIA_CHECK(layout->inferred[i] || fields[i].type == types[i]);
    fields[i].type = types[i];
  }
  layout->schema = Schema(std::move(fields));
  // A sample may have seen less than the other files: what does not fit its types may fit theirs.
  if (layout->rejected && !evidence_.whole_file && !(layout->schema == layout_->schema)) {
    layout->rejected = nullptr;
    layout->rejected = std::make_shared<RejectedRows>(
        find_csv_rejects(*layout, *layout->text->open_pass(), context));
  }
  return std::make_shared<CsvSource>(std::move(layout), evidence_, warnings_);
}

std::optional<int64_t> CsvSource::known_rows() const {
  if (layout_->rejected) return layout_->rejected->good_rows;
  if (evidence_.columns.empty() || !evidence_.whole_file) return std::nullopt;
  return evidence_.rows;
}

std::unique_ptr<TableScan> CsvSource::scan_filtered(const ScanRequest& request,
                                                    ScanFilterPtr filter) const {
  return make_csv_scan(layout_, request, std::move(filter));
}

TypeEvidence common_evidence(const std::vector<FileColumn>& columns) {
  const auto evidence_of = [](const FileColumn& from) -> const TypeEvidence& {
    return static_cast<const CsvSource*>(from.file)->evidence().columns[from.column];
  };
  TypeEvidence all = evidence_of(columns.at(0));
  for (size_t i = 1; i < columns.size(); ++i) all.merge(evidence_of(columns[i]));
  return all;
}

std::shared_ptr<CsvSource> open_csv(std::shared_ptr<FileSystem> files, const std::string& path,
                                    CsvOptions options, const FileOpenContext& context) {
  return open(std::move(files), path, std::move(options), context, false);
}

FileTable open_csv_files(std::shared_ptr<FileSystem> files,
                         const std::vector<std::string>& patterns, const CsvOptions& options,
                         const FileOpenContext& context) {
  FileTableFormat format;
  format.name = "csv";
  format.open = [&](const std::string& path, bool may_lack_columns, const FileOpenContext& inner) {
    return open(files, path, options, inner, may_lack_columns);
  };
  return open_file_table(*files, patterns, options.input, options.types, format, context);
}

}  // namespace velaria
