#include "src/io/text_table/text_layout.h"

#include "src/base/text.h"

namespace velaria {

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
  const std::string advice = defect.kind == TextDefect::Kind::kEncoding
                                 ? encoding_advice(pass.guess_encoding_at(text_offset))
                                 : defect.advice;
  // Of a file that is stored otherwise the byte is one of its text.
  return Error(ErrorKind::kFileFormat,
               concat("'", path(), "':", place.line, ":", place.column, " (byte ", text_offset,
                      text->seekable() ? "" : " of the text", "): ", defect.what, "; ", advice));
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
                              : "correct the value, or give the column another type in types"));
}

std::vector<std::string> TextLayout::warnings_of(const TextPass& pass, const RejectedRows& rejected,
                                                 int64_t rows) const {
  if (rejected.count == 0) return {};
  const RejectedRow& first = rejected.first.front();
  return {concat(rejected.count, " of ", rows + rejected.count,
                 rejected.count == 1 ? " rows is" : " rows are", " left out; the first, in line ",
                 pass.place_of(first.byte).line, " (byte ", first.byte, "): ", first.reason, ": '",
                 excerpt(first.text), "'")};
}

}  // namespace velaria
