// What an ArrowSchema says about one column: its type here, and the layout its values have there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/column/arrow/c_data.h"
#include "src/column/nested_type.h"
#include "src/column/type.h"

namespace velaria {

enum class ArrowLayout : uint8_t {
  kNull,
  kBool,          // bits
  kFixed,         // exactly our layout: taken where it lies
  kFloat16,       // -> float32, exact
  kFloat64,       // elements of vectors only: -> the nearest float32
  kDecimal32,     // -> decimal128
  kDecimal64,     // -> decimal128
  kDate64,        // milliseconds -> date32 when whole days
  kTime32,        // -> time64[us]
  kTime64,        // nanoseconds -> time64[us] when exact
  kDuration,      // -> interval of microseconds when exact
  kYearMonth,     // int32 months -> interval
  kDayTime,       // int32 days, int32 milliseconds -> interval
  kMonthDayNano,  // -> interval when whole microseconds
  kText32,        // int32 offsets and bytes
  kText64,        // int64 offsets and bytes
  kTextView,      // 16-byte views and any number of data buffers
  kFixedText,     // fixed_size_binary
  kVector,        // fixed_size_list of float32, float16 or float64
  kDictionary,    // indices; the values are children[0]
  kRunEnd,        // run ends are children[0], values children[1]
  // Columns of lists, structs and maps, and what lies in them.
  kList32,      // int32 offsets; the elements are children[0]; maps too
  kList64,      // int64 offsets
  kListView32,  // int32 offsets and sizes
  kListView64,  // int64 offsets and sizes
  kFixedSizeList,
  kStruct,
};

// One node of a column's format. A plain value.
struct ArrowFormat {
  std::string column;  // the column it belongs to, for errors; "a.b" for a field inside of it
  std::string text;    // Arrow's format string
  DataType type;
  ArrowLayout layout = ArrowLayout::kNull;
  // Times and durations: value * multiply / divide microseconds.
  int64_t multiply = 1;
  int64_t divide = 1;
  // kFixed: bytes of a value. kFixedText: bytes of a value. kDictionary and the run ends of
  // kRunEnd: bytes of an index. Leaves of nested columns: bytes of a value in Arrow.
  int32_t width_bytes = 0;
  bool signed_index = false;
  std::vector<ArrowFormat> children;
  // Nested columns and every node inside of one.
  NestedTypePtr nested;

  bool is_nested_column() const { return layout >= ArrowLayout::kList32; }
};

// The format of a column. TypeMismatchError names the column, Arrow's format and what to do when
// Velaria has no such column; InvalidArgumentError for a schema that breaks Arrow's rules.
ArrowFormat read_arrow_format(const ArrowSchema& schema, const std::string& column);

// Arrow's format string for a type of ours: what export writes.
std::string arrow_format_string(const DataType& type);

}  // namespace velaria
