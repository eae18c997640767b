#include "src/io/text_table/text_layout.h"

#include "src/base/text.h"

namespace velaria {

const CsvDialect& plain_text_dialect() {
  static const CsvDialect dialect{"", '\0', false, '\0', ""};
  return dialect;
}

std::unique_ptr<ColumnDecoder> TextLayout::decoder(size_t column) const {
  return ColumnDecoder::make(schema.field(column).type, type_origin(column), plain_text_dialect());
}

bool TextLayout::next_range(TextRangeCutter* cutter, const TextPass& pass, TextRange* range) const {
  try {
    return cutter->next(range);
  } catch (const TextDefect& defect) {
    throw defect_error(pass, defect, defect.offset);
  }
}

Error TextLayout::defect_error(const TextPass& pass, const TextDefect& defect,
                               uint64_t text_offset) const {
  const TextPlace place = pass.place_of(text_offset);
  const bool bad_bytes = defect.kind == TextDefect::Kind::kEncoding;
  const std::string what = bad_bytes ? text->bad_bytes() : defect.what;
  const std::string advice = bad_bytes ? pass.bad_bytes_advice(text_offset) : defect.advice;
  // Of a file that is stored otherwise the byte is one of its text.
  return Error(ErrorKind::kFileFormat,
               concat("'", path(), "':", place.line, ":", place.column, " (byte ", text_offset,
                      text->seekable() ? "" : " of the text", "): ", what, "; ", advice));
}

Error TextLayout::type_error(const TextPass& pass, size_t column, const std::string& value,
                             uint64_t row_offset) const {
  const Field& field = schema.field(column);
  return Error(
      ErrorKind::kTypeMismatch,
      concat("'", path(), "':", pass.place_of(row_offset).line, " (the row at byte ", row_offset,
             "), column '", field.name, "': '", excerpt(value), "' is not ", field.type.to_string(),
             "; ",
             inferred[column] ? "the file changed after it was opened: open it again"
             : of_another_file[column]
                 ? "the type was inferred from another file: give the column one in types, such as "
                   "utf8"
                 : "correct the value, or give the column another type in types"));
}

Reject rejected_line(const TextLayout& layout, const TextRange& range, const TextDefect& defect,
                     size_t begin, size_t end) {
  std::string_view text(range.text() + begin, end - begin);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return {layout.path(),
          0,
          static_cast<int64_t>(range.file_offset + begin),
          std::nullopt,
          std::string(text.substr(0, kMostRejectedBytes + 1)),
          defect.kind == TextDefect::Kind::kEncoding ? layout.text->bad_bytes() : defect.what};
}

}  // namespace velaria
