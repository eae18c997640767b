// Field spans of one column -> a typed column. One loop per type, chosen once per scan.
// One thread per object.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/base/buffer.h"
#include "src/column/column.h"
#include "src/column/type.h"
#include "src/io/csv/csv_dialect.h"

namespace velaria {

// Where the type of a column comes from, and so what its values may look like (csv_value.h).
enum class TypeOrigin {
  kNamed,     // by the caller: the lenient grammar
  kInferred,  // from every value: the strict one, and all values have its form
  kSampled,   // from some values: the strict one, and others may lose digits as a double
};

class ColumnDecoder {
 public:
  virtual ~ColumnDecoder() = default;

  // Decodes `rows` spans of `text`, which lies in `block`. Long strings become views into the block
  // and keep it alive; unescaped ones are copied. Returns -1 and the column, or the first row whose
  // value is not of the type.
  virtual int64_t decode(const char* text, const FieldSpan* spans, int64_t rows, bool has_nulls,
                         const std::shared_ptr<Buffer>& block, ColumnPtr* out) = 0;

  // Appends the rows whose values are not of the type.
  virtual void find_misfits(const char* text, const FieldSpan* spans, int64_t rows,
                            std::vector<int64_t>* out) {
    static_cast<void>(text), static_cast<void>(spans), static_cast<void>(rows);
    static_cast<void>(out);  // every text is a text
  }

  // `dialect` outlives the decoder. Decimals, times and dates have one grammar. Throws
  // SqlUnsupportedError for a type CSV has no form for.
  static std::unique_ptr<ColumnDecoder> make(const DataType& type, TypeOrigin origin,
                                             const CsvDialect& dialect);
};

}  // namespace velaria
