#include "src/io/csv/csv_source.h"

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

std::shared_ptr<CsvSource> open_text(std::string_view text, CsvOptions options = {}) {
  return open_csv(local_file_system(), write_test_file("t.csv", text), std::move(options));
}

TEST(CsvSource, TypesNullsAndQuotes) {
  const auto source = open_text(
      "\xEF\xBB\xBFid,zip,ratio,ok,day,at,note\n"
      "1,02134,0.5,true,2013-01-01,2013-01-01 05:00:00,plain\r\n"
      "-2,10001,3,FALSE,2013-01-02,2013-01-01T05:00:00.25,\"two\nlines, \"\"quoted\"\"\"\r"
      ",,,,,,\n"
      "\n"
      "\"4\",x,1e3,true,2013-01-04,2013-01-02,\"\"");
  EXPECT_EQ(source->schema().to_string(),
            "id int64, zip utf8, ratio float64, ok bool, day date32, at timestamp[us], note utf8");
  EXPECT_EQ(source->known_rows(), 4);
  const TextRows rows = read_all(*source);
  const std::string null = "<null>";
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"1", "02134", "0.5", "true", "2013-01-01",
                                               "2013-01-01 05:00:00", "plain"}));
  EXPECT_EQ(rows[1][6], "two\nlines, \"quoted\"");
  EXPECT_EQ(rows[1][2], "3.0");
  EXPECT_EQ(rows[2], std::vector<std::string>(7, null));
  EXPECT_EQ(rows[3], (std::vector<std::string>{"4", "x", "1000.0", "true", "2013-01-04",
                                               "2013-01-02 00:00:00", ""}));
}

TEST(CsvSource, ProjectionIsInTheOrderAsked) {
  const auto source = open_text("a,b,c\n1,x,2.5\n2,y,3.5\n");
  EXPECT_EQ(read_rows(*source, {2, 0}), (TextRows{{"2.5", "1"}, {"3.5", "2"}}));
  EXPECT_EQ(read_rows(*source, {}), (TextRows{{}, {}}));
}

TEST(CsvSource, LongStringsOutliveTheScan) {
  const std::string longer(100, 'x');
  const auto source = open_text("a,b\n" + longer + ",\"" + longer + "\"\"\"\n");
  Chunk chunk;
  {
    ScanRequest request;
    request.columns = {0, 1};
    const auto scan = source->scan(request);
    ASSERT_TRUE(scan->new_task()->next(&chunk));
  }
  EXPECT_EQ(chunk.columns[0]->value(0).as_text(), longer);
  EXPECT_EQ(chunk.columns[1]->value(0).as_text(), longer + "\"");
}

TEST(CsvSource, HeadersAreMadeUnique) {
  const auto source = open_text("a,,a,a_2,\"\"\n1,2,3,4,5\n");
  EXPECT_EQ(source->schema().names(),
            (std::vector<std::string>{"a", "column2", "a_3", "a_2", "column5"}));
  EXPECT_EQ(source->warnings().size(), 3u);
  CsvOptions options;
  options.header = false;
  EXPECT_EQ(open_text("1,2\n", options)->schema().to_string(), "column1 int64, column2 int64");
  EXPECT_EQ(open_text("a,b")->schema().to_string(), "a utf8, b utf8");
  EXPECT_EQ(read_all(*open_text("a,b")).size(), 0u);
}

TEST(CsvSource, BlankLines) {
  EXPECT_EQ(read_all(*open_text("\n\na,b\n\n1,2\n\r\n3,4\n\n")),
            (TextRows{{"1", "2"}, {"3", "4"}}));
  EXPECT_EQ(read_all(*open_text("a\n1\n\n2\r\n\r\n")),
            (TextRows{{"1"}, {"<null>"}, {"2"}, {"<null>"}}));
}

TEST(CsvSource, NullTexts) {
  EXPECT_EQ(open_text("a,b\n1,NA\n2,3\n")->schema().to_string(), "a int64, b utf8");
  CsvOptions options;
  options.null_texts = {"NA", "-999"};
  const auto source = open_text("a,b\n-999,NA\n2,3\n,\"NA\"\n", options);
  EXPECT_EQ(source->schema().to_string(), "a int64, b utf8");
  EXPECT_EQ(read_all(*source), (TextRows{{"<null>", "<null>"}, {"2", "3"}, {"<null>", "NA"}}));
}

TEST(CsvSource, NamedTypes) {
  CsvOptions options;
  options.types = {{"a", DataType(TypeId::kInt32)},
                   {"b", DataType(TypeId::kFloat32)},
                   {"c", DataType::decimal(10, 2)},
                   {"d", DataType(TypeId::kUInt8)},
                   {"e", DataType(TypeId::kTime64)}};
  const auto source =
      open_text("a,b,c,d,e,f\n007,nan,12.5,255,05:00,9\n-1,1.5,-0.25,0,23:59:59.5,8\n", options);
  EXPECT_EQ(source->schema().to_string(),
            "a int32, b float32, c decimal128(10, 2), d uint8, e time64[us], f int64");
  const TextRows rows = read_all(*source);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"7", "nan", "12.50", "255", "05:00:00", "9"}));
  EXPECT_EQ(rows[1], (std::vector<std::string>{"-1", "1.5", "-0.25", "0", "23:59:59.5", "8"}));

  for (const char* bad :
       {"2147483648,1,1,1,05:00,1", "1,x,1,1,05:00,1", "1,1,1.125,1,05:00,1", "1,1,1,256,05:00,1",
        "1,1,1,-1,05:00,1", "1,1,1,1,25:00,1", "1,1,123456789.5,1,05:00,1", "\"\",1,1,1,05:00,1"}) {
    const auto broken = open_text(concat("a,b,c,d,e,f\n1,1,1,1,05:00,1\n", bad, "\n"), options);
    expect_error(error_of([&] { read_all(*broken); }), ErrorKind::kTypeMismatch, {":3: row 2"});
  }
}

TEST(CsvSource, ExplicitColumnsAreNotInferred) {
  CsvOptions options;
  options.columns = {{"x", DataType(TypeId::kUtf8)}, {"b", DataType(TypeId::kInt64)}};
  const auto source = open_text("a,b\n1,2\n", options);
  EXPECT_EQ(source->known_rows(), std::nullopt);
  EXPECT_EQ(source->schema().to_string(), "x utf8, b int64");
  ASSERT_EQ(source->warnings().size(), 1u);
  options.columns = {{"b", DataType(TypeId::kUtf8)}, {"a", DataType(TypeId::kInt64)}};
  expect_error(error_of([&] { open_text("a,b\n1,2\n", options); }), ErrorKind::kInvalidArgument,
               {"'b' at place 1", "at place 2"});
  options.columns.pop_back();
  expect_error(error_of([&] { open_text("a,b\n1,2\n", options); }), ErrorKind::kFileFormat,
               {"2 columns", "names 1"});
}

TEST(CsvSource, RaggedRows) {
  const std::string text = "a,b,c\n1,2,3\n4,5\n6,7,8\n";
  CsvOptions options;
  options.columns = {{"a", DataType(TypeId::kInt64)},
                     {"b", DataType(TypeId::kInt64)},
                     {"c", DataType(TypeId::kInt64)}};
  expect_error(error_of([&] { open_text(text); }), ErrorKind::kFileFormat,
               {"t.csv':3:1", "2 fields", "3 columns: '4,5'; ", "ragged='pad'"});
  // As a file of another delimiter looks.
  expect_error(error_of([&] { open_text("a;b\n1,5;2\n"); }), ErrorKind::kFileFormat,
               {"2 fields", "1 column: '1,5;2'; ", "name the delimiter if it is not ','",
                "skip_lines if lines stand above the header"});
  // Also when none of the columns is wanted.
  expect_error(error_of([&] { read_rows(*open_text(text, options), {}); }), ErrorKind::kFileFormat,
               {":3:1"});
  options.columns.clear();
  options.ragged = RaggedPolicy::kPad;
  EXPECT_EQ(read_all(*open_text(text, options)),
            (TextRows{{"1", "2", "3"}, {"4", "5", "<null>"}, {"6", "7", "8"}}));
  EXPECT_EQ(read_all(*open_text("a,b\r\n1\r\n2,3\r\n", options)),
            (TextRows{{"1", "<null>"}, {"2", "3"}}));
  expect_error(error_of([&] { open_text("a,b\n1,2,3\n", options); }), ErrorKind::kFileFormat,
               {":2:1", "3 fields", "2 columns"});
}

TEST(CsvSource, BrokenQuotesAndBytes) {
  expect_error(error_of([] { open_text("a,b\n1,2\n3,\"never\n4,5\n"); }), ErrorKind::kFileFormat,
               {":3:3", "never closes"});
  expect_error(error_of([] { open_text("a,b\n1,\"x\"y\n"); }), ErrorKind::kFileFormat,
               {":2:6", "closing quote"});
  expect_error(error_of([] { open_text("a,b\n1,\xFFx\n"); }), ErrorKind::kFileFormat,
               {":2:3", "byte 6", "UTF-8"});
  expect_error(error_of([] { open_text("a,\xC3(\n1,2\n"); }), ErrorKind::kFileFormat,
               {"byte 2", "UTF-8"});
  expect_error(error_of([] { open_text(""); }), ErrorKind::kFileFormat, {"is empty"});
  expect_error(error_of([] {
                 open_text("\n \n");
                 read_all(*open_text("\n\n"));
               }),
               ErrorKind::kFileFormat, {"blank lines"});
  expect_error(error_of([] { open_csv(local_file_system(), "/no/such.csv"); }),
               ErrorKind::kFileAccess, {"/no/such.csv"});
  expect_error(error_of([] { open_csv(local_file_system(), ::testing::TempDir()); }),
               ErrorKind::kFileAccess, {"directory"});
}

TEST(CsvSource, StrayQuotesAreCharacters) {
  EXPECT_EQ(read_all(*open_text("a,b\n5\" pipe,6\" pipe\nx\"y,\"q\"\n")),
            (TextRows{{"5\" pipe", "6\" pipe"}, {"x\"y", "q"}}));
}

TEST(CsvSource, OtherDelimitersAndQuotes) {
  CsvOptions options;
  options.delimiter = "::";
  EXPECT_EQ(read_all(*open_text("a::b\n1::\"x::y\"\n2:::z\n", options)),
            (TextRows{{"1", "x::y"}, {"2", ":z"}}));
  options.delimiter = "\xE2\x86\x92";  // an arrow
  EXPECT_EQ(read_all(*open_text("a\xE2\x86\x92"
                                "b\n1\xE2\x86\x92"
                                "2\n",
                                options)),
            (TextRows{{"1", "2"}}));
  options.delimiter = "\t";
  options.quote = '\'';
  EXPECT_EQ(read_all(*open_text("a\tb\n'1\t2'\t\"\n", options)), (TextRows{{"1\t2", "\""}}));
  options.quote = '\0';
  EXPECT_EQ(read_all(*open_text("a\tb\n\"1\t'2'\n", options)), (TextRows{{"\"1", "'2'"}}));
}

TEST(CsvSource, TypeErrorPolicies) {
  std::string text = "a,b\n";
  for (int i = 0; i < 2000; ++i) text += concat(i, ",x\n");
  const size_t before = text.size();
  text += "9223372036854775808,x\n";
  for (int i = 0; i < 500; ++i) text += concat(i, ",x\n");
  ASSERT_GT(before, 10000u);
  CsvOptions options;
  options.sample_bytes = 3000;
  options.range_bytes = 500;
  const auto widened = open_text(text, options);
  EXPECT_EQ(widened->schema().to_string(), "a utf8, b utf8");
  EXPECT_EQ(read_all(*widened)[2000][0], "9223372036854775808");
  options.on_type_error = TypeErrorPolicy::kFail;
  const auto failing = open_text(text, options);
  EXPECT_EQ(failing->schema().to_string(), "a int64, b utf8");
  EXPECT_EQ(failing->known_rows(), std::nullopt);
  expect_error(error_of([&] { read_all(*failing); }), ErrorKind::kTypeMismatch,
               {":2002: row 2001, column 'a'", "'9223372036854775808' is not int64",
                "on_type_error='widen'"});
  // Nor are digits lost that only a decimal could keep.
  std::string fractions = "a\n";
  for (int i = 0; i < 2000; ++i) fractions += concat(i, ".25\n");
  fractions += "0.12345678901234567890\n";
  for (int i = 0; i < 500; ++i) fractions += concat(i, ".5\n");
  expect_error(error_of([&] { read_all(*open_text(fractions, options)); }),
               ErrorKind::kTypeMismatch,
               {":2002: row 2001", "'0.12345678901234567890' is not float64"});
  options.on_type_error = TypeErrorPolicy::kWiden;
  EXPECT_EQ(open_text(fractions, options)->schema().to_string(), "a decimal128(24, 20)");
  EXPECT_EQ(read_all(*open_text(fractions, options))[2000][0], "0.12345678901234567890");
  options.on_type_error = TypeErrorPolicy::kFail;
  // Text with leading zeros after the sample is no integer either.
  text.replace(before, 19, "02134");
  expect_error(error_of([&] { read_all(*open_text(text, options)); }), ErrorKind::kTypeMismatch,
               {"'02134'"});
}

TEST(CsvSource, ChangedFilesAreNoticed) {
  const std::string path = write_test_file("changing.csv", "a,b\n1,2\n3,4\n");
  const auto source = open_csv(local_file_system(), path);
  write_test_file("changing.csv", "a,b\n1,2\n");
  expect_error(error_of([&] { read_all(*source); }), ErrorKind::kFileFormat, {"changed"});
  write_test_file("changing.csv", "a,b\n1,2\n9,4\n");
  expect_error(error_of([&] { read_all(*source); }), ErrorKind::kFileFormat, {"changed"});
  // The old content again, but written at another time.
  write_test_file("changing.csv", "a,b\n1,2\n3,4\n");
  expect_error(error_of([&] { read_all(*source); }), ErrorKind::kFileFormat, {"another time"});
}

TEST(CsvSource, FilesThatShrinkDuringAScanAreErrors) {
  std::string text = "a,b\n";
  for (int i = 0; i < 1000; ++i) text += concat(i, ",", i, "\n");
  const std::string path = write_test_file("shrinking.csv", text);
  CsvOptions options;
  options.range_bytes = 100;
  const auto source = open_csv(local_file_system(), path, options);
  ScanRequest request;
  request.columns = {0};
  const auto scan = source->scan(request);
  const auto task = scan->new_task();
  Chunk chunk;
  ASSERT_TRUE(task->next(&chunk));
  write_test_file("shrinking.csv", text.substr(0, 50));
  expect_error(error_of([&] {
                 while (task->next(&chunk)) {
                 }
               }),
               ErrorKind::kFileAccess, {"shorter", "shrinking.csv"});
}

TEST(CsvSource, CancellationStopsOpenAndScan) {
  CancellationToken token;
  const auto source = open_text("a\n1\n2\n");
  ScanRequest request;
  request.columns = {0};
  request.chunk_rows = 1;
  request.cancellation = &token;
  const auto scan = source->scan(request);
  const auto task = scan->new_task();
  Chunk chunk;
  ASSERT_TRUE(task->next(&chunk));
  token.cancel();
  EXPECT_EQ(error_of([&] { task->next(&chunk); }).kind(), ErrorKind::kCancelled);
  FileOpenContext context;
  context.cancellation = &token;
  EXPECT_EQ(error_of([&] { open_csv(local_file_system(), source->path(), {}, context); }).kind(),
            ErrorKind::kCancelled);
}

// However the file is cut and however many tasks pull, the rows are the same.
TEST(CsvSource, SplitsNeverChangeTheRows) {
  const std::string text =
      "id,\"multi\nline\",v\r\n"
      "1,\"a\r\nb\"\"c\nd\",0.5\r\n"
      "2,plain,\n"
      "\n"
      "3,\"\",1.5\r"
      "4,\"x,y,\"\"\"\"\",2\n"
      "5,\"\n\n\n\",-1\n"
      "6,5\" pipe,7\n"
      "7,\"a longer text that is not inline, with\na line end\",8";
  const TextRows expected = read_all(*open_text(text));
  ASSERT_EQ(expected.size(), 7u);
  for (int64_t range_bytes = 1; range_bytes <= 64; ++range_bytes) {
    CsvOptions options;
    options.range_bytes = range_bytes;
    const auto source = open_text(text, options);
    ASSERT_EQ(source->schema().to_string(), "id int64, multi\nline utf8, v float64");
    for (size_t tasks : {size_t{1}, size_t{2}, size_t{5}}) {
      for (int64_t chunk_rows : {int64_t{1}, int64_t{3}, kDefaultChunkRows}) {
        ASSERT_EQ(read_all(*source, chunk_rows, tasks), expected)
            << "range_bytes " << range_bytes << ", tasks " << tasks;
      }
    }
  }
}

TEST(CsvSource, TheFirstDefectIsReportedWhateverTheTasks) {
  std::string text = "a,b\n";
  for (int i = 0; i < 3000; ++i) text += i == 700 || i == 2900 ? "1\n" : "1,2\n";
  CsvOptions options;
  options.range_bytes = 64;
  const std::string path = write_test_file("t.csv", text);
  for (size_t tasks : {size_t{1}, size_t{4}}) {
    FileOpenContext context;
    context.tasks = tasks;
    expect_error(error_of([&] { open_csv(local_file_system(), path, options, context); }),
                 ErrorKind::kFileFormat, {":702:1"});
  }
}

TEST(CsvSource, UnreadableTypesAreRefusedWhenOpening) {
  CsvOptions options;
  options.types = {{"a", DataType(TypeId::kInterval)}};
  expect_error(error_of([&] { open_text("a\n1 day\n", options); }), ErrorKind::kSqlUnsupported,
               {"interval"});
  options.types = {{"aa", DataType(TypeId::kInt64)}};
  expect_error(error_of([&] { open_text("a\n1\n", options); }), ErrorKind::kInvalidArgument,
               {"'aa'", "did you mean 'a'"});
}

TEST(CsvSource, ADefectBeforeAValueThatDoesNotFitIsToldWithItsOwnPlace) {
  std::string text = "a,b\n";
  for (int i = 0; i < 100; ++i) text += i == 50 ? "1,2,3\n" : i == 90 ? "x,2\n" : "1,2\n";
  CsvOptions options;
  options.types = {{"a", DataType(TypeId::kInt64)}, {"b", DataType(TypeId::kInt64)}};
  options.range_bytes = 300;
  const auto source = open_text(text, options);
  ScanRequest request;
  request.columns = {0, 1};
  request.chunk_rows = 3;
  request.tasks = 2;
  const auto scan = source->scan(request);
  const auto first = scan->new_task();
  const auto second = scan->new_task();
  Chunk chunk;
  ASSERT_TRUE(first->next(&chunk));  // of the range with the ragged row, which it has yet to meet
  expect_error(error_of([&] {
                 while (second->next(&chunk)) {
                 }
               }),
               ErrorKind::kFileFormat, {":52:1", "3 fields"});
}

TEST(CsvSource, AHeaderThatRepeatsOneNameIsReadInNoTime) {
  std::string header = "x_3,x";
  std::string row = "0,0";
  for (int i = 0; i < 30000; ++i) {
    header += ",x";
    row += ",1";
  }
  CsvOptions options;
  options.on_type_error = TypeErrorPolicy::kFail;
  const auto source = open_text(header + "\n" + row + "\n", options);
  const std::vector<std::string> names = source->schema().names();
  ASSERT_EQ(names.size(), 30002u);
  EXPECT_EQ(names[1], "x");
  EXPECT_EQ(names[2], "x_2");
  EXPECT_EQ(names[3], "x_4");  // x_3 is the first column's
  EXPECT_EQ(names.back(), "x_30002");
  EXPECT_EQ(source->warnings().size(), 30000u);
}

}  // namespace
}  // namespace velaria
