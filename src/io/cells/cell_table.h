// Cells that know their own kind -> typed columns: what spreadsheets hold.
//
//   CellTable cells(budget);
//   cells.begin_row(5);            // the row's number as the sheet counts it, for errors
//   cells.append_text("007");
//   cells.append_number(1.5);
//   CellColumns made = cells.finish({{"zip", "price"}, {}, "'book.xlsx', sheet 'S'"});
//
// The kind of a cell wins over its looks: the text "007" stays text and is no evidence of a number.
// The type of a column, by the kinds of all its cells:
//   bool         truth values only
//   int64        whole numbers that fit
//   float64      numbers; whole ones among them only if a double holds each one exactly
//   date32       moments, all of them at midnight
//   timestamp    moments (microseconds, no zone)
//   time64       times of day only
//   interval     durations only
//   utf8         texts, mixtures (each cell as its text, a number with every digit), whole numbers
//                beyond int64, and columns without a value
// A type the caller names means what it means in a CSV file: the cell's text is read by the same
// grammar. One thread per object.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/memory_budget.h"
#include "src/column/chunk.h"
#include "src/column/schema.h"
#include "src/column/string_heap.h"

namespace velaria {

struct CellTableOptions {
  // Names by position. A column without a name (nothing, or "") and without a value is left out;
  // one with values is named column<place>. Names that repeat get _2, _3, ... in order.
  std::vector<std::string> names;
  std::map<std::string, DataType> types;  // of some columns, by their final names
  std::string where;                      // for errors: "'book.xlsx', sheet 'S'"
  int64_t first_column = 0;               // of the sheet, counted from 0, for errors: 0 is A
};

struct CellColumns {
  Schema schema;
  std::vector<Chunk> chunks;
  std::vector<std::string> warnings;  // names that were made up or changed
};

class CellTable {
 public:
  // Bytes are counted in `budget`, which may be null.
  explicit CellTable(std::shared_ptr<MemoryBudget> budget = nullptr);

  // Cells of a row come in the order of their columns; missing ones at its end are NULL.
  void begin_row(int64_t row_number);
  void append_null();
  void append_bool(bool value);
  void append_integer(int64_t value);
  // An integer beyond int64, as its digits.
  void append_integer_digits(std::string_view digits);
  // A finite whole number up to 2^53 counts as an integer: spreadsheets know only doubles.
  void append_number(double value);
  void append_text(std::string_view value);
  void append_moment(int64_t micros);       // since 1970-01-01, no zone
  void append_time_of_day(int64_t micros);  // since midnight
  void append_duration(int64_t micros);

  int64_t rows() const { return static_cast<int64_t>(row_numbers_.size()); }
  size_t columns() const { return columns_.size(); }

  // The cells as columns; the table is empty afterwards. Throws TypeMismatchError naming the cell
  // for one that is not of the type named for its column, and InvalidArgumentError for a type of a
  // column that is not there.
  CellColumns finish(const CellTableOptions& options);

 private:
  enum Kind : uint8_t {
    kNull = 0,
    kBool = 1,
    kInteger = 2,
    kDigits = 4,
    kNumber = 8,
    kText = 16,
    kMoment = 32,
    kTimeOfDay = 64,
    kDuration = 128,
  };
  union Cell {
    int64_t integer;
    double number;
    StringView text;
    Cell() : integer(0) {}
  };
  struct CellColumn {
    std::vector<Kind> kinds;
    std::vector<Cell> cells;
    unsigned seen = 0;  // of Kind
    bool exact_doubles = true;
    bool midnights = true;
  };

  Cell* append(Kind kind);
  void count_bytes();
  static DataType inferred_type(const CellColumn& column);
  static std::string text_of(Kind kind, const Cell& cell);
  ColumnPtr build(const CellColumn& column, const DataType& type, int64_t begin, int64_t end) const;
  ColumnPtr build_texts(const CellColumn& column, int64_t begin, int64_t end) const;
  // -1 and the column, or the row whose cell is not of the type.
  static int64_t decode(const CellColumn& column, const DataType& type, int64_t begin, int64_t end,
                        ColumnPtr* out);

  MemoryReservation reservation_;
  std::vector<int64_t> row_numbers_;
  std::vector<CellColumn> columns_;
  size_t next_column_ = 0;
  std::shared_ptr<StringHeap> heap_;
};

}  // namespace velaria
