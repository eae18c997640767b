// What can be said about a CSV file beside its delimiter, and what is left out on request.
#include <random>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/io/csv/csv_source.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

std::shared_ptr<CsvSource> open_text(std::string_view text, const CsvOptions& options = {},
                                     size_t tasks = 2) {
  FileOpenContext context;
  context.tasks = tasks;
  return open_csv(local_file_system(), write_test_file("t.csv", text), options, context);
}

// The same rows at every size of range, with one task and several.
TextRows rows_at_every_cut(std::string_view text, CsvOptions options) {
  options.range_bytes = int64_t{1} << 20;
  const TextRows expected = read_all(*open_text(text, options, 1));
  for (int64_t range_bytes = 1; range_bytes <= 40; ++range_bytes) {
    options.range_bytes = range_bytes;
    const auto source = open_text(text, options, 3);
    EXPECT_EQ(read_all(*source, 3, 2), expected) << "range_bytes " << range_bytes;
  }
  return expected;
}

TEST(CsvOptions, CommentsAndSkippedLines) {
  CsvOptions options;
  options.comment = "#";
  const std::string text =
      "# it's a \"comment\r\n#\na,b\n1,#x\n#3,4\n5,\"6\n#7\"\n#\"\n\"#8\",9\n# no line end";
  EXPECT_EQ(rows_at_every_cut(text, options), (TextRows{{"1", "#x"}, {"5", "6\n#7"}, {"#8", "9"}}));
  options.comment = "//";
  EXPECT_EQ(rows_at_every_cut("a,b\r//,x\r/,1\r", options), (TextRows{{"/", "1"}}));
  options.comment.clear();
  options.skip_lines = 2;
  EXPECT_EQ(rows_at_every_cut("\"title\r\nof, the, table\r\na,b\r\n1,2\r\n", options),
            (TextRows{{"1", "2"}}));
  EXPECT_EQ(rows_at_every_cut("x\ry\ra,b\r1,2", options), (TextRows{{"1", "2"}}));
  expect_error(error_of([&] { open_text("x\n", options); }), ErrorKind::kFileFormat,
               {"skip_lines=2"});
  // Places are those of the file.
  expect_error(error_of([&] { open_text("x\ny\na,b\n1\n", options); }), ErrorKind::kFileFormat,
               {":4:1 (byte 8)"});
}

TEST(CsvOptions, Escapes) {
  CsvOptions options;
  options.escape = '\\';
  EXPECT_EQ(
      rows_at_every_cut("a,b\n\"x\\\"y\",\"1\\\\\"\n\"p\"\"q\",\"\\,\\\n\"\n\\z,3\n", options),
      (TextRows{{"x\"y", "1\\"}, {"p\"q", "\\,\\\n"}, {"\\z", "3"}}));
  // Before other bytes it is a character, also where it is escaped itself elsewhere in the field.
  EXPECT_EQ(rows_at_every_cut("p,n\n\"C:\\new\\\"x\",\"\\d+\\\\\"\n", options),
            (TextRows{{"C:\\new\"x", "\\d+\\"}}));
  expect_error(error_of([&] { open_text("a\n\"x\\\"\n", options); }), ErrorKind::kFileFormat,
               {":2:1", "never closes"});
}

TEST(CsvOptions, Vectors) {
  CsvOptions options;
  options.types["v"] = DataType::vector(3);
  const auto source = open_text("id,v\n1,[1 2 3]\n2,\"[0.5,-1e3,nan]\"\n3,\n", options);
  EXPECT_EQ(source->schema().to_string(), "id int64, v fixed_size_list<float32>[3]");
  const TextRows rows = read_all(*source);
  EXPECT_EQ(rows[0][1], Value::vector({1, 2, 3}).to_string());
  EXPECT_EQ(rows[2][1], "<null>");
  for (const char* bad : {"[1 2]", "[1 2 x]", "1 2 3", "[1 2 3 4]"}) {
    expect_error(error_of([&] { read_all(*open_text(concat("id,v\n1,", bad, "\n"), options)); }),
                 ErrorKind::kTypeMismatch, {":2: row 1, column 'v' (byte 7)", bad});
  }
  // Not asked for, it stays text: float32 would lose digits.
  EXPECT_EQ(open_text("id,v\n1,[1 2 3]\n")->schema().to_string(), "id int64, v utf8");
}

TEST(CsvOptions, NulBytes) {
  // Inside quotes a NUL is a character, outside it is a defect; where it stands does not matter.
  const std::string quoted("a,b\n\"x\0y\",1\n", 12);
  EXPECT_EQ(read_all(*open_text(quoted))[0][0], std::string("x\0y", 3));
  std::string text = "a,b\n";
  for (int i = 0; i < 2000; ++i) text += "abc,1\n";
  expect_error(error_of([&] { open_text(text + std::string("x\0y,1\n", 6)); }),
               ErrorKind::kFileFormat, {":2002:2", "NUL"});
  EXPECT_EQ(read_all(*open_text(text + quoted.substr(4))).size(), 2001u);
}

TEST(CsvOptions, BrokenRowsAreLeftOutAndListed) {
  const std::string text =
      "a,b,c\n"
      "1,x,2013-01-01\n"
      "2,y\n"
      "3,\"p\"q,2013-01-02\n"
      "4,\xFF,2013-01-03\n"
      "5,\"multi\nline\",2013-01-04\n"
      "6,z,2013-01-05,7\n"
      "seven,z,2013-01-06\n"
      "8,z,yesterday\n"
      "9,z,2013-01-07\n"
      "10,\"never,2013-01-08\n"
      "11,z,2013-01-09\n";
  CsvOptions options;
  options.on_error = RowErrorPolicy::kSkip;
  options.types = {{"a", DataType(TypeId::kInt64)}, {"c", DataType(TypeId::kDate32)}};
  const TextRows expected = {{"1", "x", "2013-01-01"},
                             {"5", "multi\nline", "2013-01-04"},
                             {"9", "z", "2013-01-07"},
                             {"11", "z", "2013-01-09"}};
  EXPECT_EQ(rows_at_every_cut(text, options), expected);
  for (const int64_t range_bytes : {1, 7, 30, 1 << 20}) {
    options.range_bytes = range_bytes;
    const auto source = open_text(text, options);
    EXPECT_EQ(source->known_rows(), 4);
    // Which rows there are does not depend on the columns that are asked for.
    EXPECT_EQ(read_rows(*source, {1}), (TextRows{{"x"}, {"multi\nline"}, {"z"}, {"z"}}));
    EXPECT_EQ(read_rows(*source, {}).size(), 4u);
    ASSERT_EQ(source->warnings().size(), 1u);
    EXPECT_EQ(source->warnings()[0].find(
                  "7 of 11 rows are left out (on_error='skip'); the first is line 3: "),
              0u)
        << source->warnings()[0];
    const TextRows rejects = read_all(*source->rejects());
    ASSERT_EQ(rejects.size(), 7u);
    const auto expect = [&](size_t i, const char* line, const char* byte, const char* column,
                            const char* value, const char* reason) {
      EXPECT_EQ(rejects[i][1], line) << i;
      EXPECT_EQ(rejects[i][2], byte) << i;
      EXPECT_EQ(rejects[i][3], column) << i;
      EXPECT_EQ(rejects[i][4], value) << i;
      EXPECT_NE(rejects[i][5].find(reason), std::string::npos) << rejects[i][5];
    };
    expect(0, "3", "21", "<null>", "2,y", "2 fields");
    expect(1, "4", "25", "<null>", "3,\"p\"q,2013-01-02", "closing quote");
    expect(2, "5", "43", "<null>", "4,\\xFF,2013-01-03", "UTF-8");
    expect(3, "8", "84", "<null>", "6,z,2013-01-05,7", "4 fields");
    expect(4, "9", "101", "a", "seven", "not int64");
    expect(5, "10", "120", "c", "yesterday", "not date32");
    expect(6, "12", "149", "<null>", "10,\"never,2013-01-08", "never closes");
  }
}

// The last line end of the file lies inside of the quote; no row begins behind it.
TEST(CsvOptions, OpenQuotesAtTheEndMakeNoRow) {
  CsvOptions options;
  options.on_error = RowErrorPolicy::kSkip;
  for (const char* end : {"\n", "\r\n", "\r", "", "\n\n"}) {
    const std::string blank = end == std::string("\n\n") ? "<null>" : "";
    TextRows expected = {{"1"}, {"2"}};
    if (!blank.empty()) expected.push_back({blank});
    const std::string text = concat("a\n1\n\"open\n2", end);
    EXPECT_EQ(rows_at_every_cut(text, options), expected) << text;
    EXPECT_EQ(open_text(text, options)->known_rows(), static_cast<int64_t>(expected.size()));
    EXPECT_EQ(open_text(text, options)->rejected_rows(), 1);
  }
}

TEST(CsvOptions, ColumnsHaveALimit) {
  const std::string row(200000, ',');
  expect_error(error_of([&] { open_text(row + "\n" + row + "\n"); }), ErrorKind::kFileFormat,
               {":1:1", "200001 fields", "at most 100000"});
}

TEST(CsvOptions, LongRowsAreErrorsWhereverTheyEnd) {
  CsvOptions options;
  options.range_bytes = 64;
  options.max_row_bytes = 100;
  for (const char* end : {"\n", "", "\n3,4\n"}) {
    EXPECT_EQ(read_all(*open_text("a,b\n1," + std::string(90, 'x') + end, options))[0][0], "1");
    expect_error(error_of([&] { open_text("a,b\n1," + std::string(110, 'x') + end, options); }),
                 ErrorKind::kFileFormat, {":2:1 (byte 4)", "longer than 100 bytes"});
  }
}

// The size of the pieces never shows: a row is too long by its own length alone.
TEST(CsvOptions, TheLongestRowDoesNotDependOnThePieces) {
  for (const int64_t range_bytes : {1, 7, 64, 150, 1 << 20}) {
    SCOPED_TRACE(range_bytes);
    CsvOptions options;
    options.range_bytes = range_bytes;
    options.max_row_bytes = 100;
    for (int before = 0; before < 130; before += 3) {
      std::string text = "a,b\n";
      for (int i = 0; i < before; i += 4) text += "1,x\n";
      const auto rows = static_cast<size_t>((before + 3) / 4);
      const std::string fits = text + "1," + std::string(97, 'y') + "\n2,z\n";
      EXPECT_EQ(read_all(*open_text(fits, options)).size(), rows + 2);
      const std::string too_long = text + "1," + std::string(120, 'y') + "\n2,z\n";
      expect_error(error_of([&] { open_text(too_long, options); }), ErrorKind::kFileFormat,
                   {concat(":", rows + 2, ":1"), "longer than 100 bytes"});
    }
  }
}

TEST(CsvOptions, SkippingChangesNothingInAWholeFile) {
  std::mt19937_64 random(test_seed());
  std::string text = "a,b,c\n";
  for (int i = 0; i < 3000; ++i) {
    text += concat(random() % 1000, ",\"", random() % 3 == 0 ? "x\ny" : "z\"\"", "\",",
                   random() % 100, ".5\n");
  }
  CsvOptions options;
  const TextRows expected = read_all(*open_text(text, options));
  options.on_error = RowErrorPolicy::kSkip;
  options.range_bytes = 500;
  const auto source = open_text(text, options);
  EXPECT_EQ(read_all(*source), expected);
  EXPECT_TRUE(source->warnings().empty());
  EXPECT_TRUE(read_all(*source->rejects()).empty());
}

// Rows are broken at random; what is left is what a reader of the good rows alone sees.
TEST(CsvOptions, RandomBreaks) {
  std::mt19937_64 random(test_seed());
  SCOPED_TRACE(concat("VELARIA_TEST_SEED=", test_seed()));
  for (int round = 0; round < 60; ++round) {
    std::string text = "a,b\n";
    std::string good = "a,b\n";
    size_t broken = 0;
    for (int i = 0; i < 50; ++i) {
      const std::string row = concat(i, random() % 2 ? ",\"p,\n\"\"q\"\n" : ",x\n");
      switch (random() % 8) {
        case 0: text += concat(i, "\n"), ++broken; break;
        case 1: text += concat(i, ",1,2\r\n"), ++broken; break;
        case 2: text += concat(i, ",\"a\"b\n"), ++broken; break;
        case 3: text += concat("x", i, ",1\n"), ++broken; break;
        case 4: text += concat(i, ",\xC3(\n"), ++broken; break;
        default: text += row, good += row;
      }
    }
    CsvOptions options;
    options.types["a"] = DataType(TypeId::kInt64);
    const TextRows expected = read_all(*open_text(good, options));
    options.on_error = RowErrorPolicy::kSkip;
    options.range_bytes = 1 + static_cast<int64_t>(random() % 200);
    const auto source = open_text(text, options, 1 + random() % 3);
    ASSERT_EQ(read_all(*source, 1 + static_cast<int64_t>(random() % 9)), expected) << text;
    ASSERT_EQ(read_all(*source->rejects()).size(), broken);
  }
}

TEST(CsvOptions, Refusals) {
  for (const auto& [key, text] :
       std::vector<std::pair<std::string, std::string>>{{"escape", "ab"},
                                                        {"escape", ","},
                                                        {"comment", "\n"},
                                                        {"comment", ",x"},
                                                        {"comment", "\"x"},
                                                        {"skip_lines", "-1"},
                                                        {"skip_lines", "x"},
                                                        {"on_error", "ignore"},
                                                        {"max_decompressed_bytes", "0"},
                                                        {"union_by_name", "maybe"}}) {
    expect_error(error_of([&, &k = key, &t = text] { csv_options_from_text({{k, t}}); }),
                 ErrorKind::kInvalidArgument, {});
  }
  const CsvOptions options = csv_options_from_text({{"escape", "\\"},
                                                    {"comment", "#"},
                                                    {"skip_lines", "3"},
                                                    {"on_error", "skip"},
                                                    {"filename", "true"},
                                                    {"encoding", "GBK"}});
  EXPECT_EQ(options.escape, '\\');
  EXPECT_EQ(options.input.filename_column, "filename");
  EXPECT_EQ(options.input.encoding, "GBK");
}

}  // namespace
}  // namespace velaria
