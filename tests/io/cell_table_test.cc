#include "src/io/cells/cell_table.h"

#include <cmath>
#include <string>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {
namespace {

constexpr int64_t kDay = int64_t{86400} * 1000000;

// One column: "type: value, value, ...".
std::string shown(CellTable* cells,
                  const CellTableOptions& options = {{"c"}, {}, "'b', sheet 'S'"}) {
  const CellColumns made = cells->finish(options);
  std::string out = made.schema.to_string() + ":";
  for (const Chunk& chunk : made.chunks) {
    for (int64_t row = 0; row < chunk.rows; ++row) {
      for (const ColumnPtr& column : chunk.columns) {
        out += " " + (column->is_null(row) ? "NULL" : column->value(row).to_string());
      }
    }
  }
  return out;
}

template <typename Append>
std::string column_of(const Append& append) {
  CellTable cells;
  append(&cells);
  return shown(&cells);
}

TEST(CellTable, KindsDecideTypes) {
  const auto row = [](CellTable* cells) { cells->begin_row(cells->rows() + 2); };
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_number(1);
              row(c), c->append_null();
              row(c), c->append_number(-0.0);
            }),
            "c int64: 1 NULL 0");
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_number(1);
              row(c), c->append_number(0.5);
            }),
            "c float64: 1.0 0.5");
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_text("007");
              row(c), c->append_text("12");
            }),
            "c utf8: 007 12");
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_bool(true);
              row(c), c->append_null();
            }),
            "c bool: true NULL");
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_moment(kDay);
              row(c), c->append_moment(-kDay);
            }),
            "c date32: 1970-01-02 1969-12-31");
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_moment(kDay);
              row(c), c->append_moment(kDay + 1);
            }),
            "c timestamp[us]: 1970-01-02 00:00:00 1970-01-02 00:00:00.000001");
  EXPECT_EQ(column_of([&](CellTable* c) { row(c), c->append_time_of_day(kDay / 2); }),
            "c time64[us]: 12:00:00");
  EXPECT_EQ(column_of([&](CellTable* c) { row(c), c->append_null(); }), "c utf8: NULL");
}

TEST(CellTable, NoDigitIsLost) {
  const auto row = [](CellTable* cells) { cells->begin_row(cells->rows() + 2); };
  // 2^53 + 1 has no double, so beside a fraction the column is text.
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_integer(9007199254740993);
              row(c), c->append_number(0.1);
            }),
            "c utf8: 9007199254740993 0.1");
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_integer(INT64_MIN);
              row(c), c->append_integer(INT64_MAX);
            }),
            "c int64: -9223372036854775808 9223372036854775807");
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_integer_digits("12345678901234567890");
              row(c), c->append_integer(1);
            }),
            "c utf8: 12345678901234567890 1");
  EXPECT_EQ(column_of([&](CellTable* c) {
              row(c), c->append_number(0.1);
              row(c), c->append_text("n/a");
              row(c), c->append_bool(false);
              row(c), c->append_moment(kDay);
              row(c), c->append_number(1e300);
              row(c), c->append_number(12);
            }),
            "c utf8: 0.1 n/a false 1970-01-02 1e+300 12");
}

TEST(CellTable, NamesAreMadeAndKept) {
  CellTable cells;
  cells.begin_row(2);
  for (int i = 0; i < 5; ++i) cells.append_integer(i);
  const CellColumns made = cells.finish({{"a", "", "a", "a_2"}, {}, ""});
  EXPECT_EQ(made.schema.to_string(), "a int64, column2 int64, a_3 int64, a_2 int64, column5 int64");
  EXPECT_EQ(made.warnings.size(), 3u);
}

TEST(CellTable, EmptyColumnsWithoutNameAreLeftOut) {
  CellTable cells;
  cells.begin_row(2);
  cells.append_null();
  cells.append_integer(1);
  const CellColumns made = cells.finish({{"", "b", "c"}, {}, ""});
  EXPECT_EQ(made.schema.to_string(), "b int64, c utf8");
}

TEST(CellTable, NamedTypesReadTexts) {
  CellTable cells;
  cells.begin_row(2);
  cells.append_text("007");
  cells.append_number(1.25);
  cells.append_moment(kDay);
  cells.begin_row(3);
  cells.append_number(5);
  cells.append_text("2.5");
  cells.append_null();
  CellTableOptions options{{"i", "d", "t"}, {}, ""};
  options.types["i"] = DataType(TypeId::kInt32);
  options.types["d"] = DataType::decimal(6, 2);
  options.types["t"] = DataType::timestamp(TimeUnit::kMilli);
  EXPECT_EQ(shown(&cells, options),
            "i int32, d decimal128(6, 2), t timestamp[ms]: 7 1.25 1970-01-02 00:00:00 5 2.50 NULL");
}

TEST(CellTable, ErrorsNameTheCell) {
  CellTable cells;
  cells.begin_row(7);
  cells.append_null();
  cells.append_text("x1");
  CellTableOptions options{{"a", "b"}, {{"b", DataType(TypeId::kInt64)}}, "'f.xlsx', sheet 'S'"};
  options.first_column = 25;
  try {
    cells.finish(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
    EXPECT_EQ(error.message(),
              "'f.xlsx', sheet 'S', cell AA7 (row 1, column 'b'): 'x1' is not int64; correct the "
              "value, or give the column another type in types");
  }
  CellTable other;
  other.begin_row(1);
  other.append_integer(1);
  try {
    other.finish({{"names"}, {{"name", DataType(TypeId::kInt64)}}, "'f.xlsx'"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_NE(error.message().find("did you mean 'names'"), std::string::npos) << error.message();
  }
}

TEST(CellTable, ManyRowsAndRaggedOnes) {
  CellTable cells;
  for (int64_t i = 0; i < 10000; ++i) {
    cells.begin_row(i + 2);
    cells.append_integer(i);
    if (i == 9999) cells.append_text(std::string(100, 'z'));
  }
  const CellColumns made = cells.finish({{"i", "s"}, {}, ""});
  ASSERT_EQ(made.chunks.size(), 3u);
  EXPECT_EQ(made.chunks[2].columns[0]->value(1807).as_int64(), 9999);
  EXPECT_EQ(made.chunks[2].columns[1]->value(1807).as_text(), std::string(100, 'z'));
  EXPECT_TRUE(made.chunks[0].columns[1]->is_null(0));
}

TEST(CellTable, BytesAreOfTheBudget) {
  CellTable cells(std::make_shared<MemoryBudget>(uint64_t{1} << 20));
  try {
    for (int64_t i = 0; i < 1000000; ++i) {
      cells.begin_row(i);
      cells.append_integer(i);
    }
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
  }
}

}  // namespace
}  // namespace velaria
