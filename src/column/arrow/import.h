// Arrow in: arrays of the Arrow C data interface become columns, without copying where layouts
// agree.
//
// Nothing is converted when an array comes in; each slice of it is made when it is asked for, by
// the thread that asks. So taking in ten million rows costs next to nothing.
//
//   zero-copy      integers, floats, decimal128 (where 16-byte aligned), date32, time64[us],
//                  timestamps, fixed_size_list<float32>; arrays of utf8 views whose texts all have
//                  up to 12 bytes
//   per slice      bool, float16 (-> float32), fixed_size_list<float16> and <float64> (-> float32,
//                  the nearest one), decimal32/64, date64, time32, time64[ns], durations
//                  and intervals (-> interval); a value that would lose something is a
//                  TypeMismatchError
//   views only     utf8 and binary of all three layouts, fixed_size_binary: StringViews that point
//                  into Arrow's buffers
//   dictionary     dictionary columns of distinct values for text, integers, dates, times and
//                  decimals; the values of any other type
//   run-end        expanded
//   encoded        list, list_view, struct, map and fixed_size_list of anything else, with all that
//                  lies in them as it is: see column/nested_array.h
//   refused        union and decimal256 wherever they lie; run-end and dictionaries of dictionaries
//                  inside of lists, structs and maps
//
// That texts are valid UTF-8 is the producer's promise and is not checked.
//
// Ownership: what comes in is moved out of the caller's struct (its `release` becomes null) also
// when the call throws. An array is released exactly once, when its last column is gone, on
// whatever thread that happens; a producer whose release needs a lock (Python's GIL) takes it
// there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/cancellation.h"
#include "src/column/arrow/c_data.h"
#include "src/column/chunk.h"
#include "src/column/column.h"
#include "src/column/schema.h"

namespace velaria {

struct ArrowFormat;
class ArrayReader;

// The type of one ArrowSchema node. Does not take ownership.
DataType import_type(const ArrowSchema& schema);

// The schema of record batches: names, types, and how each column is laid out. Immutable.
class ImportedSchema {
 public:
  // `schema` is a struct ("+s"); not taken over, copied. TypeMismatchError names a column that
  // Velaria cannot hold.
  static std::shared_ptr<const ImportedSchema> read(const ArrowSchema& schema);
  ~ImportedSchema();

  const Schema& schema() const { return schema_; }
  // Whether column i is fixed_size_list<float32> in Arrow too, so that its vectors are never
  // copied.
  bool has_float32_vectors(size_t i) const;

 private:
  friend class ImportedArray;
  ImportedSchema();

  Schema schema_;
  std::vector<ArrowFormat> formats_;
};

using ImportedSchemaPtr = std::shared_ptr<const ImportedSchema>;

// One record batch. Immutable; every call may come from any thread.
class ImportedArray {
 public:
  // Takes `array` over. `previous`: an earlier batch of the same stream, whose converted
  // dictionaries are shared when this batch carries the same ones. InvalidArgumentError when the
  // array does not fit the schema or has nulls at the top level.
  static std::shared_ptr<const ImportedArray> adopt(ImportedSchemaPtr schema, ArrowArray* array,
                                                    const ImportedArray* previous = nullptr);
  ~ImportedArray();

  int64_t rows() const { return rows_; }
  const Schema& schema() const { return schema_->schema(); }

  // Rows [offset, offset + length) of column i. The column keeps the Arrow memory alive by itself.
  ColumnPtr column(size_t i, int64_t offset, int64_t length) const;
  ColumnPtr column(size_t i) const { return column(i, 0, rows_); }
  // All rows of all columns.
  Chunk chunk() const;

 private:
  ImportedArray() = default;

  ImportedSchemaPtr schema_;
  int64_t rows_ = 0;
  int64_t offset_ = 0;  // of the struct array: its children start there
  std::vector<std::unique_ptr<ArrayReader>> readers_;
};

using ImportedArrayPtr = std::shared_ptr<const ImportedArray>;

struct ImportedTable {
  ImportedSchemaPtr layout;
  std::vector<ImportedArrayPtr> batches;  // none of them empty
  int64_t rows = 0;

  const Schema& schema() const { return layout->schema(); }
};

// Pulls batches out of a stream, one at a time. Not thread-safe: one caller at a time, any thread.
class ArrowStreamReader {
 public:
  // Takes `stream` over, also when this throws.
  explicit ArrowStreamReader(ArrowArrayStream* stream);
  ~ArrowStreamReader();  // releases the stream; batches stay valid
  ArrowStreamReader(const ArrowStreamReader&) = delete;
  ArrowStreamReader& operator=(const ArrowStreamReader&) = delete;

  const ImportedSchemaPtr& layout() const { return schema_; }
  const Schema& schema() const { return schema_->schema(); }

  // The next batch, which may be empty; null at the end, and again after it. A failure of the
  // producer is a StreamError with its text (CancelledError for ECANCELED, ResourceError for
  // ENOMEM).
  ImportedArrayPtr next();

 private:
  [[noreturn]] void fail(int code, const char* doing);

  ArrowArrayStream stream_;
  ImportedSchemaPtr schema_;
  std::weak_ptr<const ImportedArray> previous_;
  int64_t batches_ = 0;
  bool ended_ = false;
};

// The whole stream. Takes it over, also when this throws; looks at `cancellation` between batches.
ImportedTable import_stream(ArrowArrayStream* stream,
                            const CancellationToken* cancellation = nullptr);

// One record batch with its schema. Takes both over, also when this throws.
ImportedTable import_batch(ArrowSchema* schema, ArrowArray* array);

}  // namespace velaria
