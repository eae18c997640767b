// Field spans of one column -> a typed column. One loop per type, chosen once per scan.
// One thread per object.
#pragma once

#include <cstdint>
#include <memory>

#include "src/base/buffer.h"
#include "src/column/column.h"
#include "src/column/type.h"
#include "src/io/csv/csv_dialect.h"

namespace velaria {

class ColumnDecoder {
 public:
  virtual ~ColumnDecoder() = default;

  // Decodes `rows` spans of `text`, which lies in `block`. Long strings become views into the block
  // and keep it alive; unescaped ones are copied. Returns -1 and the column, or the first row whose
  // value is not of the type.
  virtual int64_t decode(const char* text, const FieldSpan* spans, int64_t rows, bool has_nulls,
                         const std::shared_ptr<Buffer>& block, ColumnPtr* out) = 0;

  // `strict`: the grammar of inference, else that of types the caller named (csv_value.h; decimals,
  // times and dates have one grammar). Throws SqlUnsupportedError for a type CSV has no form for.
  static std::unique_ptr<ColumnDecoder> make(const DataType& type, bool strict, char quote);
};

}  // namespace velaria
