#include "src/io/csv/csv_layout.h"

#include <algorithm>

#include "src/base/cpu_features.h"
#include "src/base/text.h"
#include "src/column/chunk.h"
#include "src/io/byte_stream.h"

namespace velaria {

std::shared_ptr<const ReadableFile> CsvLayout::open_unchanged() const {
  std::shared_ptr<const ReadableFile> file = files->open_read(path);
  if (fingerprint_of(*file) != fingerprint) {
    throw Error(ErrorKind::kFileFormat,
                concat("'", path, "' changed after it was opened (it had ", fingerprint.size_bytes,
                       " bytes and has ", file->size_bytes(), " now); open it again"));
  }
  return file;
}

std::unique_ptr<RangeCutter> CsvLayout::cut(std::shared_ptr<const ReadableFile> file,
                                            uint64_t begin,
                                            const CancellationToken* cancellation) const {
  auto stream = std::make_unique<FileByteStream>(std::move(file), begin, fingerprint.size_bytes);
  return std::make_unique<RangeCutter>(std::move(stream), begin, dialect, options.range_bytes,
                                       options.max_row_bytes, active_simd_level(), cancellation);
}

RangeRows CsvLayout::rows() const {
  return RangeRows(dialect, options.null_texts, schema.size(), options.ragged, active_simd_level());
}

bool CsvLayout::next_range(RangeCutter* cutter, const ReadableFile& file, CsvRange* range) const {
  try {
    return cutter->next(range);
  } catch (const CsvDefect& defect) {
    throw defect_error(file, defect, defect.offset);
  }
}

Error CsvLayout::defect_error(const ReadableFile& file, const CsvDefect& defect,
                              uint64_t file_offset) const {
  const FilePlace place = place_of(file, file_offset);
  return Error(ErrorKind::kFileFormat,
               concat("'", path, "':", place.line, ":", place.column, " (byte ", file_offset,
                      "): ", defect.what, "; ", defect.advice));
}

Error CsvLayout::type_error(const ReadableFile& file, size_t column, const std::string& value,
                            uint64_t row_offset) const {
  // Errors may be slow: counting the rows before this one costs the fast path nothing.
  uint64_t row = 1;
  const auto cutter = cut(files->open_read(path), data_begin, nullptr);
  RangeRows reader = rows();
  CsvRange range;
  bool found = false;
  while (!found && cutter->next(&range)) {
    reader.start(range.text(), range.size_bytes);
    while (const int64_t count = reader.next(kDefaultChunkRows)) {
      for (int64_t i = 0; i < count && !found; ++i) {
        found = range.file_offset + reader.row_offset(i) >= row_offset;
        row += found ? 0 : 1;
      }
      if (found) break;
    }
  }
  const Field& field = schema.field(column);
  std::string advice;
  if (!inferred[column]) {
    advice = concat("correct the value, or give the column another type in columns or types");
  } else if (options.on_type_error == TypeErrorPolicy::kFail) {
    advice = concat(
        "the type was inferred from a sample: read with on_type_error='widen', or with "
        "types '",
        field.name, " utf8'");
  } else {
    advice = "the file changed after it was opened: open it again";
  }
  return Error(ErrorKind::kTypeMismatch,
               concat("'", path, "':", place_of(file, row_offset).line, ": row ", row, ", column '",
                      field.name, "': '", excerpt(value), "' is not ", field.type.to_string(), "; ",
                      advice));
}

FilePlace place_of(const ReadableFile& file, uint64_t offset) {
  FilePlace place;
  std::vector<char> block(size_t{256} << 10);
  uint64_t line_begin = 0;
  char previous = '\0';
  for (uint64_t position = 0; position < offset;) {
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(block.size(), offset - position));
    const size_t got = file.read_at(position, block.data(), wanted);
    if (got == 0) break;
    for (size_t i = 0; i < got; ++i) {
      // A CR ends its line when something else than LF follows, so it is counted one byte late.
      if (previous == '\r' && block[i] != '\n') {
        ++place.line;
        line_begin = position + i;
      }
      if (block[i] == '\n') {
        ++place.line;
        line_begin = position + i + 1;
      }
      previous = block[i];
    }
    position += got;
  }
  char next = '\n';
  if (previous == '\r' && file.read_at(offset, &next, 1) == 1 && next != '\n') {
    ++place.line;
    line_begin = offset;
  }
  place.column = offset - line_begin + 1;
  return place;
}

}  // namespace velaria
