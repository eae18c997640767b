// Where samples in the middle of a CSV file begin.
#include "src/io/csv/csv_row_start.h"

#include <set>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

struct Guessing {
  CsvLayout layout;
  std::shared_ptr<const TextPass> pass;
  std::string text;

  Guessing(const std::string& content, size_t columns, const CsvOptions& options = {})
      : text(content) {
    layout.options = options;
    layout.dialect = CsvDialect::of(options);
    layout.text = TextFile::open(local_file_system(), write_test_file("t.csv", content), {});
    std::vector<Field> fields;
    for (size_t i = 0; i < columns; ++i) {
      fields.push_back({concat("c", i), DataType(TypeId::kUtf8)});
    }
    layout.schema = Schema(std::move(fields));
    pass = layout.text->open_pass();
  }

  std::optional<uint64_t> at(uint64_t offset) const {
    return guess_row_start(layout, *pass, offset);
  }

  // Where rows really begin, by reading from the start.
  std::set<uint64_t> starts() const {
    std::set<uint64_t> out;
    CarefulTokenizer rows(layout.dialect, text);
    std::vector<RawField> fields;
    while (rows.next_row(&fields)) out.insert(rows.row_begin());
    return out;
  }
};

TEST(CsvRowStart, IsTheNextLineWhereNothingIsQuoted) {
  for (const char* end : {"\n", "\r\n", "\r"}) {
    std::string text;
    for (int i = 0; i < 50; ++i) text += concat(i, ",x", i * 7, ",y", end);
    const Guessing guessing(text, 3);
    const std::set<uint64_t> starts = guessing.starts();
    const uint64_t last = *starts.rbegin();
    for (uint64_t offset = 0; offset < last - 4; ++offset) {
      const auto found = guessing.at(offset);
      ASSERT_TRUE(found) << offset;
      // A row that begins at the offset itself is not known to.
      EXPECT_EQ(*found, *starts.upper_bound(offset)) << offset;
    }
  }
}

// Fields of many lines, with the delimiter in them, in the middle of rows and at their ends.
TEST(CsvRowStart, IsARowWhereFieldsHaveLines) {
  for (const bool at_end : {true, false}) {
    std::string text;
    for (int i = 0; i < 60; ++i) {
      std::string note = "\"";
      for (int line = 0; line < 9; ++line) note += concat("line ", line, ", of \"\"", i, "\"\"\n");
      note += "\"";
      text += at_end ? concat(i, ",x,", note, "\n") : concat(i, ",", note, ",x\n");
    }
    const Guessing guessing(text, 3);
    const std::set<uint64_t> starts = guessing.starts();
    ASSERT_EQ(starts.size(), 60u);
    size_t found = 0;
    for (uint64_t offset = 0; offset < text.size() * 9 / 10; offset += 7) {
      const auto guess = guessing.at(offset);
      if (!guess) continue;
      ++found;
      EXPECT_EQ(starts.count(*guess), 1u) << offset << " gives " << *guess;
      EXPECT_GE(*guess, offset);
    }
    EXPECT_GT(found, text.size() * 9 / 10 / 7 * 8 / 10);
  }
}

TEST(CsvRowStart, IsNothingWhereNoRowsAre) {
  const Guessing other("a,b\nc,d\ne,f\ng,h\n", 3);
  EXPECT_FALSE(other.at(0));
  EXPECT_FALSE(Guessing("one line without an end", 1).at(0));
  const Guessing inside("1,\"" + std::string(5000, 'x') + "\n" + std::string(5000, 'y'), 2);
  EXPECT_FALSE(inside.at(10));
  EXPECT_FALSE(Guessing("a,b\n1,2\n", 2).at(1000));
  CsvOptions plain;
  plain.quote = '\0';
  EXPECT_EQ(Guessing("a,\"b\n1,2\n3,\"4\n", 2, plain).at(1), 5u);
}

}  // namespace
}  // namespace velaria
