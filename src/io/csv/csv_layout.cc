#include "src/io/csv/csv_layout.h"

#include "src/base/cpu_features.h"
#include "src/base/text.h"
#include "src/column/chunk.h"

namespace velaria {

std::unique_ptr<RangeCutter> CsvLayout::cut(const TextPass& pass, uint64_t begin,
                                            const CancellationToken* cancellation) const {
  return std::make_unique<RangeCutter>(pass.stream(begin), begin, dialect, options.range_bytes,
                                       options.max_row_bytes, active_simd_level(), cancellation);
}

bool CsvLayout::always_fits(size_t column) const {
  return schema.field(column).type.is_string() || rejected != nullptr ||
         (inferred[column] && options.on_type_error == TypeErrorPolicy::kWiden);
}

RangeRows CsvLayout::rows() const {
  RangeRows out(dialect, options.null_texts, schema.size(), options.ragged, active_simd_level());
  if (!options.null_words.empty()) {
    // While types are looked for, all columns are texts, and the evidence knows the words itself.
    std::vector<bool> word_columns;
    for (const Field& field : schema.fields()) word_columns.push_back(!field.type.is_string());
    out.set_null_words(options.null_words, std::move(word_columns));
  }
  return out;
}

std::unique_ptr<ColumnDecoder> CsvLayout::decoder(size_t column) const {
  const bool sampled = options.on_type_error == TypeErrorPolicy::kFail;
  return ColumnDecoder::make(schema.field(column).type,
                             of_another_file[column] ? TypeOrigin::kSampled
                             : !inferred[column]     ? TypeOrigin::kNamed
                             : sampled               ? TypeOrigin::kSampled
                                                     : TypeOrigin::kInferred,
                             dialect);
}

void CsvLayout::start_range(const CsvRange& range, RangeRows* rows,
                            std::vector<BrokenRow>* broken) const {
  if (options.on_error == RowErrorPolicy::kFail) {
    rows->start(range.text(), range.size_bytes);
    return;
  }
  broken->clear();
  std::vector<size_t> left_out;
  if (rejected) left_out = rejected->misfits_in(range.file_offset, range.size_bytes);
  rows->start(range.text(), range.size_bytes, broken, std::move(left_out));
}

bool CsvLayout::next_range(RangeCutter* cutter, const TextPass& pass, CsvRange* range) const {
  try {
    return cutter->next(range);
  } catch (const CsvDefect& defect) {
    throw defect_error(pass, defect, defect.offset);
  }
}

Error CsvLayout::defect_error(const TextPass& pass, const CsvDefect& defect,
                              uint64_t text_offset) const {
  const TextPlace place = pass.place_of(text_offset);
  const bool bad_bytes = defect.kind == CsvDefect::Kind::kEncoding;
  const std::string what = bad_bytes ? text->bad_bytes() : defect.what;
  const std::string advice = bad_bytes ? pass.bad_bytes_advice(text_offset) : defect.advice;
  const std::string row = defect.row.empty() ? "" : concat(": '", excerpt(defect.row), "'");
  // Of a file that is stored otherwise the byte is one of its text.
  return Error(ErrorKind::kFileFormat,
               concat("'", path(), "':", place.line, ":", place.column, " (byte ", text_offset,
                      text->seekable() ? "" : " of the text", "): ", what, row, "; ", advice));
}

namespace {

// Values that are written in another way than SQL's become values there.
std::string_view conversion_of(const DataType& type, std::string_view value) {
  switch (type.id()) {
    case TypeId::kDate32:
    case TypeId::kTimestamp:
      if (value.find_first_of("0123456789") == std::string_view::npos) return "";
      return ": as utf8, SQL's strptime() converts it";
    case TypeId::kFloat32:
    case TypeId::kFloat64:
    case TypeId::kDecimal128:
      if (value.find(',') == std::string_view::npos) return "";
      return ": as utf8, SQL's replace() and CAST convert it";
    default: return "";
  }
}

}  // namespace

Error CsvLayout::type_error(const TextPass& pass, size_t column, const std::string& value,
                            uint64_t row_offset, uint64_t value_offset) const {
  // Errors may be slow: counting the rows before this one costs the fast path nothing.
  uint64_t row = 1;
  const auto cutter = cut(pass, data_begin, nullptr);
  RangeRows reader = rows();
  std::vector<BrokenRow> broken;
  CsvRange range;
  bool found = false;
  while (!found && next_range(cutter.get(), pass, &range)) {
    try {
      start_range(range, &reader, &broken);
      while (const int64_t count = reader.next(kDefaultChunkRows)) {
        for (int64_t i = 0; i < count && !found; ++i) {
          found = range.file_offset + reader.row_offset(i) >= row_offset;
          row += found ? 0 : 1;
        }
        if (found) break;
      }
    } catch (const CsvDefect& defect) {
      // Another task is about to find it: the first defect of the file is the one to tell.
      return defect_error(pass, defect, range.file_offset + defect.offset);
    }
  }
  const Field& field = schema.field(column);
  std::string advice;
  if (of_another_file[column]) {
    advice = "the type was inferred from another file: give the column one in types, such as utf8";
  } else if (!inferred[column]) {
    advice = concat("correct the value, or give the column another type in columns or types",
                    conversion_of(field.type, value));
  } else if (options.on_type_error == TypeErrorPolicy::kFail) {
    advice =
        "the type was inferred from a sample: read with on_type_error='widen', or give the column "
        "a type in types, such as utf8";
  } else {
    advice = "the file changed after it was opened: open it again";
  }
  return Error(ErrorKind::kTypeMismatch,
               concat("'", path(), "':", pass.place_of(row_offset).line, ": row ", row,
                      ", column '", field.name, "' (byte ", value_offset, "): '", excerpt(value),
                      "' is not ", field.type.to_string(), "; ", advice));
}

}  // namespace velaria
