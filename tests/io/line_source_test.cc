#include "src/io/line/line_source.h"

#include "gtest/gtest.h"
#include "src/io/line/line_presets.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

std::shared_ptr<TextSource> open_text(std::string_view text, LineOptions options = {},
                                      size_t tasks = 1) {
  FileOpenContext context;
  context.tasks = tasks;
  return open_lines(local_file_system(), write_test_file("t.log", text), std::move(options),
                    context);
}

TextRows rows_of(std::string_view text, LineOptions options = {}) {
  return read_all(*open_text(text, std::move(options)));
}

Error error_for(std::string_view text, const LineOptions& options) {
  return error_of([&] { rows_of(text, options); });
}

LineOptions regex(std::string pattern) {
  LineOptions options;
  options.mode = LineMode::kRegex;
  options.regex_pattern = std::move(pattern);
  return options;
}

LineOptions split(std::string delimiter) {
  LineOptions options;
  options.split_delimiter = std::move(delimiter);
  return options;
}

TEST(LineSource, SplitsAtADelimiter) {
  const auto source = open_text("1;x;2.5\n2;;3\n3;\"q;7\n", split(";"));
  EXPECT_EQ(source->schema().to_string(), "column1 int64, column2 utf8, column3 float64");
  EXPECT_EQ(read_all(*source),
            (TextRows{{"1", "x", "2.5"}, {"2", "<null>", "3.0"}, {"3", "\"q", "7.0"}}));
  EXPECT_EQ(rows_of("a||b||c", split("||")), (TextRows{{"a", "b", "c"}}));
  EXPECT_EQ(rows_of("a\t\tc\n\t\t\n", split("\t")),
            (TextRows{{"a", "<null>", "c"}, {"<null>", "<null>", "<null>"}}));
}

TEST(LineSource, SplitsAtWhiteSpace) {
  EXPECT_EQ(rows_of("  a  b\tc \n1 2    3\n \t \n", split("whitespace")),
            (TextRows{{"a", "b", "c"}, {"1", "2", "3"}}));
}

TEST(LineSource, MappingsNameFields) {
  LineOptions options = split(",");
  options.mappings = {{"last", "2"}, {"first", "0"}};
  const auto source = open_text("a,b,7\nc,d,8,extra\n", options);
  EXPECT_EQ(source->schema().to_string(), "last int64, first utf8");
  EXPECT_EQ(read_all(*source), (TextRows{{"7", "a"}, {"8", "c"}}));
  options.mappings = {{"x", "first"}};
  expect_error(error_for("a,b\n", options), ErrorKind::kInvalidArgument, {"'x' is field 'first'"});
  options.mappings = {{"x", "5"}};
  expect_error(error_for("a,b\n", options), ErrorKind::kFileFormat,
               {":1:1", "2 fields", "mappings needs 6", "ragged='pad'"});
  options.ragged = RaggedPolicy::kPad;
  EXPECT_EQ(rows_of("a,b\n", options), (TextRows{{"<null>"}}));
}

TEST(LineSource, PresetTypesFollowTheirGroups) {
  const char* text = "h - u [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 -\n";
  const auto read = [&](const std::map<std::string, std::string>& texts) {
    return open_text(text, line_options_from_text(texts));
  };
  const auto left_out = read({{"preset", "apache_common"}, {"mappings", "ip host, path path"}});
  EXPECT_EQ(left_out->schema().to_string(), "ip utf8, path utf8");
  EXPECT_EQ(read_all(*left_out), (TextRows{{"h", "/a"}}));
  // By another name, by number, and under a type of the caller's.
  EXPECT_EQ(read({{"preset", "apache_common"}, {"mappings", "code status, size bytes"}})
                ->schema()
                .to_string(),
            "code int64, size int64");
  EXPECT_EQ(
      read({{"preset", "apache_common"}, {"mappings", "code 8, size 9"}})->schema().to_string(),
      "code int64, size int64");
  EXPECT_EQ(read({{"preset", "apache_common"}, {"mappings", "b bytes"}, {"types", "b utf8"}})
                ->schema()
                .to_string(),
            "b utf8");
  // Types of some columns leave the others theirs.
  const Schema some = read({{"preset", "apache_common"}, {"types", "status utf8"}})->schema();
  EXPECT_EQ(some.fields().back().name, "bytes");
  EXPECT_EQ(some.fields().back().type, DataType(TypeId::kInt64));
  expect_error(error_of([&] {
                 read({{"preset", "apache_common"}, {"mappings", "b bytes"}, {"types", "c utf8"}});
               }),
               ErrorKind::kInvalidArgument, {"types names column 'c'"});
}

TEST(LineSource, PatternsSeeLinesOfSpaces) {
  EXPECT_EQ(rows_of("a\n  \n\nb\n", regex("^(.*)$")), (TextRows{{"a"}, {"  "}, {"b"}}));
  // Where they do not match they are blank.
  EXPECT_EQ(rows_of("a\n  \n\nb\n", regex("^([a-z])$")), (TextRows{{"a"}, {"b"}}));
  LineOptions options = regex("^([a-z])$");
  options.skip_empty_lines = false;
  EXPECT_EQ(rows_of("a\n  \n\nb\n", options), (TextRows{{"a"}, {"<null>"}, {"<null>"}, {"b"}}));
}

TEST(LineSource, RaggedLines) {
  const char* text = "a,b\nc\nd,e,f\n\ng,h\n";
  expect_error(error_for(text, split(",")), ErrorKind::kFileFormat,
               {":2:1 (byte 4)", "1 field", "2 columns", "on_error='skip'"});
  LineOptions options = split(",");
  options.ragged = RaggedPolicy::kPad;
  expect_error(error_for(text, options), ErrorKind::kFileFormat, {":3:1", "3 fields", "mappings"});
  options.on_error = RowErrorPolicy::kSkip;
  const auto source = open_text(text, options);
  EXPECT_EQ(read_all(*source), (TextRows{{"a", "b"}, {"c", "<null>"}, {"g", "h"}}));
  EXPECT_EQ(source->rejected().count, 1);
  ASSERT_EQ(source->warnings().size(), 1u);
  EXPECT_NE(source->warnings()[0].find(
                "1 of 4 rows is left out (on_error='skip'); the first is line 3: "),
            std::string::npos)
      << source->warnings()[0];
}

TEST(LineSource, GroupsByNumberAndName) {
  const char* text = "INFO a=1\nWARN b=\nINFO c=3\n";
  const std::string pattern = R"(^(?P<level>\w+) (\w)=(\d+)?$)";
  EXPECT_EQ(open_text(text, regex(pattern))->schema().to_string(),
            "level utf8, column2 utf8, column3 int64");
  LineOptions options = regex(pattern);
  options.mappings = {{"n", "3"}, {"all", "0"}, {"l", "level"}};
  EXPECT_EQ(rows_of(text, options), (TextRows{{"1", "INFO a=1", "INFO"},
                                              {"<null>", "WARN b=", "WARN"},
                                              {"3", "INFO c=3", "INFO"}}));
  options.mappings = {{"n", "4"}};
  expect_error(error_for(text, options), ErrorKind::kInvalidArgument,
               {"group '4'", "3 groups", "level", "0 is the whole match"});
  // A match may lie anywhere in the line.
  EXPECT_EQ(rows_of("xx 12 yy\n", regex(R"(\d+)")), (TextRows{{"12"}}));
  expect_error(error_for("x\n", regex("(")), ErrorKind::kSqlSemantic, {"regular expression"});
}

TEST(LineSource, LinesThatDoNotMatchAreCounted) {
  const std::string text = "1 a\nnothing\n2 b\n  at somewhere\n3 c";
  LineOptions options = regex(R"(^(\d+) (\w+)$)");
  expect_error(error_for(text, options), ErrorKind::kFileFormat,
               {":2:1 (byte 4)", "'nothing' does not match", "on_error='skip'"});
  options.on_error = RowErrorPolicy::kSkip;
  for (int64_t bytes = 1; bytes < 60; ++bytes) {
    options.range_bytes = bytes;
    const auto source = open_text(text, options, 2);
    EXPECT_EQ(read_all(*source, 2, 2), (TextRows{{"1", "a"}, {"2", "b"}, {"3", "c"}})) << bytes;
    EXPECT_EQ(source->rejected().count, 2);
    EXPECT_EQ(source->rejected().kept[0].byte, 4);
    EXPECT_EQ(source->rejected().kept[1].value, "  at somewhere");
  }
}

TEST(LineSource, ValuesThatDoNotFitAreLeftOutToo) {
  const std::string text = "1,2024-01-01\nx,2024-01-02\n3\n4,never\n5,2024-01-05\n";
  LineOptions options = split(",");
  options.types = {{"column1", DataType(TypeId::kInt64)}, {"column2", DataType(TypeId::kDate32)}};
  expect_error(error_of([&] { read_all(*open_text("1,2024-01-01\nx,2024-01-02\n", options)); }),
               ErrorKind::kTypeMismatch, {"'column1'", "'x'"});
  options.on_error = RowErrorPolicy::kSkip;
  for (int64_t bytes = 1; bytes < 60; ++bytes) {
    options.range_bytes = bytes;
    const auto source = open_text(text, options, 2);
    EXPECT_EQ(read_all(*source, 2, 2), (TextRows{{"1", "2024-01-01"}, {"5", "2024-01-05"}}));
    EXPECT_EQ(source->known_rows(), 2);
    // Which rows there are does not depend on the columns that are asked for.
    EXPECT_EQ(read_rows(*source, {}).size(), 2u);
    const TextRows rejects = read_all(*source->rejects());
    ASSERT_EQ(rejects.size(), 3u);
    EXPECT_EQ(rejects[0][1] + rejects[0][3] + rejects[0][4], "2column1x");
    EXPECT_EQ(rejects[1][1] + rejects[1][3] + rejects[1][4], "3<null>3");
    EXPECT_EQ(rejects[2][1] + rejects[2][3] + rejects[2][4], "4column2never");
  }
}

TEST(LineSource, EmptyLinesAndLineEnds) {
  LineOptions options = split(",");
  EXPECT_EQ(rows_of("a,1\r\n\r\nb,2\rc,3\n\n", options),
            (TextRows{{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  options.skip_empty_lines = false;
  EXPECT_EQ(rows_of("a,1\n\nb,2\n", options),
            (TextRows{{"a", "1"}, {"<null>", "<null>"}, {"b", "2"}}));
  for (int64_t bytes = 1; bytes < 12; ++bytes) {
    options.range_bytes = bytes;
    EXPECT_EQ(rows_of("a,1\rb,2\rc,3\r", options), (TextRows{{"a", "1"}, {"b", "2"}, {"c", "3"}}));
    EXPECT_EQ(rows_of("a,1\r\nb,2\r\nc,3", options),
              (TextRows{{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  }
  expect_error(error_for("a\xff,1\n", split(",")), ErrorKind::kFileFormat, {":1:2", "UTF-8"});
  expect_error(error_for("\n\n", split(",")), ErrorKind::kFileFormat, {"blank"});
}

TEST(LineSource, TheLongestLineDoesNotDependOnThePieces) {
  LineOptions options = split(",");
  options.max_row_bytes = 100;
  for (const int64_t range_bytes : {1, 7, 64, 150, 1 << 20}) {
    SCOPED_TRACE(range_bytes);
    options.range_bytes = range_bytes;
    const std::string fits(98, 'x');
    EXPECT_EQ(rows_of("a\nb\n" + fits + "\nc\n", options), (TextRows{{"a"}, {"b"}, {fits}, {"c"}}));
    expect_error(error_for("a\nb\n" + std::string(120, 'x') + "\nc\n", options),
                 ErrorKind::kFileFormat, {":3:1", "longer than 100 bytes"});
  }
}

TEST(LineSource, NullTextsAndTypes) {
  LineOptions options = split(" ");
  options.null_texts = {"-"};
  options.types = {{"column2", DataType(TypeId::kUtf8)}};
  const auto source = open_text("1 2\n- 3\n", options);
  EXPECT_EQ(source->schema().to_string(), "column1 int64, column2 utf8");
  EXPECT_EQ(read_all(*source), (TextRows{{"1", "2"}, {"<null>", "3"}}));
  options.types = {{"colum2", DataType(TypeId::kUtf8)}};
  expect_error(error_for("1 2\n", options), ErrorKind::kInvalidArgument,
               {"'colum2'", "did you mean"});
}

TEST(LineSource, TextOptions) {
  const LineOptions options = line_options_from_text(
      {{"regex_pattern", "a(b)"}, {"mappings", "x 1, y:0, z: 1"}, {"null_text", "-, NA"}});
  EXPECT_EQ(options.mode, LineMode::kRegex);
  ASSERT_EQ(options.mappings.size(), 3u);
  EXPECT_EQ(options.mappings[1].name, "y");
  EXPECT_EQ(options.mappings[1].from, "0");
  EXPECT_EQ(options.mappings[2].name, "z");
  EXPECT_EQ(options.null_texts, (std::vector<std::string>{"-", "NA"}));
  EXPECT_EQ(line_options_from_text({{"split_delimiter", "\\t"}}).split_delimiter, "\t");
  expect_error(error_of([] { line_options_from_text({{"split_delimeter", ","}}); }),
               ErrorKind::kInvalidArgument, {"split_delimiter"});
  expect_error(
      error_of([] { line_options_from_text({{"mode", "split"}, {"regex_pattern", "x"}}); }),
      ErrorKind::kInvalidArgument, {"mode='regex'"});
  expect_error(error_of([] { line_options_from_text({{"preset", "apache"}}); }),
               ErrorKind::kInvalidArgument, {"no line preset 'apache'", "apache_combined"});
}

struct PresetCase {
  const char* preset;
  const char* line;
  std::vector<std::string> row;
};

TEST(LinePresets, ReadTheirLogs) {
  const std::string null = "<null>";
  const std::vector<PresetCase> cases = {
      {"apache_common",
       R"(127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326)",
       {"127.0.0.1", null, "frank", "10/Oct/2000:13:55:36 -0700", "GET", "/apache_pb.gif",
        "HTTP/1.0", "200", "2326"}},
      {"apache_common",
       R"(::1 - - [10/Oct/2000:13:55:36 +0000] "-" 408 -)",
       {"::1", null, null, "10/Oct/2000:13:55:36 +0000", null, null, null, "408", null}},
      {"apache_combined",
       R"(10.0.0.1 - - [29/Nov/2026:10:00:00 +0000] "POST /a?b=\"c\" HTTP/1.1" 302 5 "http://x/" "curl \"8\"")",
       {"10.0.0.1", null, null, "29/Nov/2026:10:00:00 +0000", "POST", R"(/a?b=\"c\")", "HTTP/1.1",
        "302", "5", "http://x/", R"(curl \"8\")", null}},
      {"apache_error",
       "[Wed Oct 11 14:32:52.123456 2000] [core:error] [pid 35:tid 47] [client 1.2.3.4:5] File "
       "does not exist",
       {"Wed Oct 11 14:32:52.123456 2000", "core", "error", "35", "47", "1.2.3.4:5",
        "File does not exist"}},
      {"nginx_error",
       "2026/11/29 10:00:00 [error] 12#34: *5 open() failed",
       {"2026/11/29 10:00:00", "error", "12", "34", "5", "open() failed"}},
      {"syslog",
       "Jan  5 12:34:56 host sshd[123]: Accepted key",
       {null, "Jan  5 12:34:56", "host", "sshd", "123", "Accepted key"}},
      {"syslog",
       "<13>Jan 15 12:34:56 host cron: job",
       {"13", "Jan 15 12:34:56", "host", "cron", null, "job"}},
      {"syslog_rfc5424",
       R"(<34>1 2003-10-11T22:14:15.003Z mymachine.example su - ID47 [x@1 a="\]"] 'su root' failed)",
       {"34", "1", "2003-10-11 22:14:15.003+00:00", "mymachine.example", "su", null, "ID47",
        R"([x@1 a="\]"])", "'su root' failed"}},
      {"stamped",
       "2026-11-29 10:00:00,123 [ERROR] it broke: 5",
       {"2026-11-29 10:00:00", "123", null, "ERROR", "it broke: 5"}},
      {"stamped",
       "2026-11-29T10:00:00Z nothing special",
       {"2026-11-29 10:00:00", null, "Z", null, "nothing special"}},
  };
  for (const PresetCase& one : cases) {
    SCOPED_TRACE(one.line);
    const TextRows rows = rows_of(std::string(one.line) + "\n", line_preset(one.preset).options());
    ASSERT_EQ(rows.size(), 1u);
    ASSERT_EQ(rows[0].size(), one.row.size());
    for (size_t i = 0; i < one.row.size(); ++i) {
      // What inference makes of times is not what this test is about.
      if (one.row[i].find("22:14:15") != std::string::npos) continue;
      EXPECT_EQ(rows[0][i], one.row[i]) << i;
    }
  }
}

TEST(LineSource, LineEndsOfEveryKind) {
  const TextRows abc = {{"a", "1"}, {"b", "2"}, {"c", "3"}};
  for (const char* text : {"a,1\nb,2\nc,3", "a,1\rb,2\rc,3\r", "a,1\r\nb,2\r\nc,3\r\n",
                           "a,1\rb,2\nc,3\r\n", "a,1\r\r\nb,2\n\r\nc,3\r"}) {
    EXPECT_EQ(rows_of(text, split(",")), abc) << text;
  }
  LineOptions options = split(",");
  options.skip_empty_lines = false;
  const TextRows with_blank = {{"a", "1"}, {"<null>", "<null>"}, {"b", "2"}};
  for (const char* text : {"a,1\n\nb,2\n", "a,1\r\rb,2\r", "a,1\r\r\nb,2", "a,1\n\rb,2\r\n"}) {
    EXPECT_EQ(rows_of(text, options), with_blank) << text;
  }
}

// Once as many as there are lines were looked through for each of them.
TEST(LineSource, ManyLinesThatEndWithCr) {
  std::string text;
  for (int i = 0; i < 1000000; ++i) text += "a,1\r";
  EXPECT_EQ(open_text(text, split(","))->known_rows(), 1000000);
}

TEST(LineSource, AFirstLineOfBadBytesIsLeftOutToo) {
  LineOptions options = split(",");
  options.on_error = RowErrorPolicy::kSkip;
  const auto source = open_text("a,\xFF\n1,2\n3,4\n", options);
  EXPECT_EQ(source->schema().to_string(), "column1 int64, column2 int64");
  EXPECT_EQ(read_all(*source), (TextRows{{"1", "2"}, {"3", "4"}}));
  EXPECT_EQ(source->rejected().count, 1);
}

}  // namespace
}  // namespace velaria
