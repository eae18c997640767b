#include "src/io/json/json_source.h"

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

std::shared_ptr<TextSource> open_text(std::string_view text, JsonOptions options = {},
                                      size_t tasks = 1) {
  FileOpenContext context;
  context.tasks = tasks;
  return open_json(local_file_system(), write_test_file("t.jsonl", text), std::move(options),
                   context);
}

std::string schema_of(std::string_view text, JsonOptions options = {}) {
  return open_text(text, std::move(options))->schema().to_string();
}

TextRows rows_of(std::string_view text, JsonOptions options = {}) {
  return read_all(*open_text(text, std::move(options)));
}

Error error_for(std::string_view text, JsonOptions options = {}) {
  return error_of([&] { rows_of(text, options); });
}

JsonOptions array_format() {
  JsonOptions options;
  options.format = JsonFormat::kArray;
  return options;
}

TEST(JsonSource, LinesWithEveryKindOfValue) {
  const char* text =
      "{\"i\": 1, \"f\": 1.5, \"b\": true, \"s\": \"x\", \"n\": null, \"o\": {\"a\": [1, 2]}, "
      "\"d\": "
      "\"2024-02-29\", \"t\": \"2024-01-02T03:04:05\", \"z\": \"2024-01-02T03:04:05Z\"}\n"
      "{\"i\":-2,\"f\":3,\"b\":false,\"s\":\"\",\"o\":[],\"d\":null,\"t\":\"2024-01-02\"}\n";
  EXPECT_EQ(schema_of(text),
            "i int64, f float64, b bool, s utf8, n utf8, o utf8, d date32, t timestamp[us], "
            "z timestamp[us, UTC]");
  const TextRows rows = rows_of(text);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0][5], "{\"a\": [1, 2]}");
  EXPECT_EQ(rows[0][4], "<null>");
  EXPECT_EQ(rows[1][0], "-2");
  EXPECT_EQ(rows[1][3], "");
  EXPECT_EQ(rows[1][5], "[]");
  EXPECT_EQ(rows[1][8], "<null>");
}

TEST(JsonSource, MixturesBecomeTextWithoutLosingADigit) {
  const char* text =
      "{\"a\":12345678901234567890,\"b\":1.50,\"c\":true,\"d\":\"x\"}\n"
      "{\"a\":1,\"b\":\"y\",\"c\":0,\"d\":[1]}\n";
  EXPECT_EQ(schema_of(text), "a utf8, b utf8, c utf8, d utf8");
  EXPECT_EQ(rows_of(text),
            (TextRows{{"12345678901234567890", "1.50", "true", "x"}, {"1", "y", "0", "[1]"}}));
  // Numbers in quotes are text.
  EXPECT_EQ(schema_of("{\"a\":\"5\"}\n{\"a\":\"6\"}"), "a utf8");
}

TEST(JsonSource, ColumnsComeInOrderOfAppearanceHoweverOftenTheyOccur) {
  for (const int sparse : {10, 11, 500}) {
    std::string text = "{\"id\":0}\n";
    for (int i = 0; i < sparse; ++i) text += "{\"id\":" + std::to_string(i) + "}\n";
    text += "{\"late\":true,\"id\":7}\n";
    EXPECT_EQ(schema_of(text), "id int64, late bool") << sparse;
  }
  const char* empty_rows = "{}\n{\"a\":null}\n{\"b\":1}\n{}\n";
  EXPECT_EQ(schema_of(empty_rows), "a utf8, b int64");
  EXPECT_EQ(
      rows_of(empty_rows),
      (TextRows{
          {"<null>", "<null>"}, {"<null>", "<null>"}, {"<null>", "1"}, {"<null>", "<null>"}}));
  EXPECT_EQ(open_text("{}\n{}\n")->known_rows(), 2);
  EXPECT_EQ(open_text("{}\n{}\n")->schema().size(), 0u);
}

TEST(JsonSource, LinesArraysAndObjectsBehindEachOtherAgree) {
  const TextRows expected = {{"1", "x}"}, {"2", "[\"{"}, {"3", "<null>"}};
  const char* lines = "{\"a\":1,\"b\":\"x}\"}\n{\"a\":2,\"b\":\"[\\\"{\"}\n\n{\"a\":3}";
  EXPECT_EQ(rows_of(lines), expected);
  EXPECT_EQ(rows_of("{\"a\":1,\"b\":\"x}\"}{\"a\":2,\"b\":\"[\\\"{\"} {\"a\":3}"), expected);
  EXPECT_EQ(rows_of("{\n \"a\": 1,\n \"b\": \"x}\"\n}\n{\"a\":2,\"b\":\"[\\\"{\"}\n{\"a\":\n3}\n"),
            expected);
  EXPECT_EQ(
      rows_of("\xEF\xBB\xBF{\"a\":1,\"b\":\"x}\"}\r\n{\"a\":2,\"b\":\"[\\\"{\"}\r\n{\"a\":3}\r\n"),
      expected);
  EXPECT_EQ(rows_of("\r{\"a\":1,\"b\":\"x}\"}\r{\"a\":2,\"b\":\"[\\\"{\"}\r{\"a\":3}\r"), expected);
  EXPECT_EQ(rows_of(" [ {\"a\":1,\"b\":\"x}\"},\n{\"a\":2,\"b\":\"[\\\"{\"}\n, {\"a\":3}] \n",
                    array_format()),
            expected);
}

TEST(JsonSource, EveryCutGivesTheSameRows) {
  std::string lines;
  std::string array = "[";
  for (int i = 0; i < 40; ++i) {
    const std::string object = "{\"id\":" + std::to_string(i * 7919) + ",\"text\":\"\\\"{[,\\\\" +
                               std::string(static_cast<size_t>(i) % 9, 'x') +
                               "\xC3\xA9\\u00e9\",\"deep\":{\"a\":[{},[1,\"]\"]]}" +
                               (i % 3 == 0 ? ",\"f\":0.5}" : "}");
    lines += object + (i % 5 == 0 ? "\r\n" : i % 7 == 0 ? "\n\n" : "\n");
    array += (i > 0 ? std::string(i % 2 == 0 ? "," : " ,\n") : std::string()) + object;
  }
  array += "]\n";
  for (const bool as_array : {false, true}) {
    JsonOptions options = as_array ? array_format() : JsonOptions();
    const std::string& text = as_array ? array : lines;
    const auto whole = open_text(text, options);
    const TextRows expected = read_all(*whole);
    ASSERT_EQ(expected.size(), 40u);
    for (int64_t bytes = 1; bytes <= 200; ++bytes) {
      options.range_bytes = bytes;
      const auto cut = open_text(text, options, 3);
      ASSERT_EQ(cut->schema(), whole->schema()) << bytes;
      ASSERT_EQ(read_all(*cut, 1 + bytes % 5, 1 + static_cast<size_t>(bytes) % 3), expected)
          << bytes;
    }
    options.multiline = true;
    for (int64_t bytes = 1; bytes <= 60; ++bytes) {
      options.range_bytes = bytes;
      ASSERT_EQ(read_all(*open_text(text, options, 2)), expected) << bytes;
    }
  }
}

TEST(JsonSource, ManyWindows) {
  // More than one window of tokens in a range, and objects larger than a window.
  std::string text;
  const std::string wide(100000, 'w');
  for (int i = 0; i < 5000; ++i) {
    text +=
        "{\"id\":" + std::to_string(i) + ",\"s\":\"" + (i % 1000 == 999 ? wide : "short") + "\"}\n";
  }
  for (const bool multiline : {false, true}) {
    JsonOptions options;
    options.multiline = multiline;
    const TextRows rows = rows_of(text, options);
    ASSERT_EQ(rows.size(), 5000u);
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(rows[i][0], std::to_string(i));
      ASSERT_EQ(rows[i][1].size(), i % 1000 == 999 ? wide.size() : 5);
    }
  }
}

TEST(JsonSource, ColumnsProject) {
  const char* text = "{\"a\":1,\"b\":\"x\",\"c\":true}\n{\"c\":false,\"a\":2}\n";
  JsonOptions options;
  options.columns = {{"c", std::nullopt}, {"a", DataType(TypeId::kUtf8)}};
  EXPECT_EQ(schema_of(text, options), "c bool, a utf8");
  EXPECT_EQ(rows_of(text, options), (TextRows{{"true", "1"}, {"false", "2"}}));
  EXPECT_EQ(read_rows(*open_text(text), {2, 0, 2}),
            (TextRows{{"true", "1", "true"}, {"false", "2", "false"}}));
  EXPECT_EQ(read_rows(*open_text(text), {}).size(), 2u);
  options.columns = {{"aa", std::nullopt}};
  expect_error(error_for(text, options), ErrorKind::kInvalidArgument, {"'aa'", "did you mean 'a'"});
  // With a type, a key may be missing: nobody looks for it in advance.
  options.columns = {{"a", DataType(TypeId::kInt64)}, {"z", DataType(TypeId::kInt64)}};
  EXPECT_EQ(rows_of(text, options), (TextRows{{"1", "<null>"}, {"2", "<null>"}}));
}

TEST(JsonSource, NamedTypes) {
  const char* text = "{\"a\":\"5\",\"v\":[1, 2.5],\"d\":12.30}\n{\"a\":6,\"v\":null,\"d\":\"1\"}\n";
  JsonOptions options;
  options.types = {
      {"a", DataType(TypeId::kInt32)}, {"v", DataType::vector(2)}, {"d", DataType::decimal(10, 2)}};
  const auto source = open_text(text, options);
  EXPECT_EQ(source->schema().to_string(),
            "a int32, v fixed_size_list<float32>[2], d decimal128(10, 2)");
  EXPECT_EQ(rows_of(text, options),
            (TextRows{{"5", "[1.0, 2.5]", "12.30"}, {"6", "<null>", "1.00"}}));
  // How often a key occurs plays no part, not even when it is never; but it may be a slip.
  options.types = {{"a", DataType(TypeId::kInt32)}, {"b", DataType(TypeId::kInt32)}};
  EXPECT_EQ(schema_of(text, options), "a int32, v utf8, d utf8, b int32");
  EXPECT_EQ(rows_of(text, options)[0][3], "<null>");
  ASSERT_EQ(open_text(text, options)->warnings().size(), 1u);
  EXPECT_NE(open_text(text, options)->warnings()[0].find("'b', which no object"),
            std::string::npos);
  options.columns = {{"a", std::nullopt}};
  expect_error(error_for(text, options), ErrorKind::kInvalidArgument, {"types names 'b'"});
  options.columns.clear();
  options.types = {{"v", DataType::vector(3)}};
  expect_error(error_for(text, options), ErrorKind::kTypeMismatch,
               {"column 'v'", "'[1, 2.5]' is not fixed_size_list<float32>[3]", "types"});
  options.types = {{"v", DataType(TypeId::kInt64)}};
  expect_error(error_for(text, options), ErrorKind::kTypeMismatch, {"'[1, 2.5]' is not int64"});
}

TEST(JsonSource, EscapesInKeysAndValues) {
  const char* text =
      "{\"k\\u0065y\":\"a\\n\\ud83d\\ude00\",\"x\\\"y\":1}\n{\"key\":\"plain\",\"x\\\"y\":2}\n";
  EXPECT_EQ(schema_of(text), "key utf8, x\"y int64");
  EXPECT_EQ(rows_of(text), (TextRows{{"a\n\xF0\x9F\x98\x80", "1"}, {"plain", "2"}}));
  // A key of backslash and n is another one than the key of a line end.
  EXPECT_EQ(schema_of("{\"a\\\\n\":1}\n{\"a\\n\":\"x\"}\n"), "a\\n int64, a\n utf8");
}

TEST(JsonSource, DefectsSayWhere) {
  struct Case {
    const char* text;
    std::vector<std::string> parts;
  };
  const std::vector<Case> cases = {
      {"{\"a\":1}\n{\"a\":1,\"a\":2}\n", {":2:8 (byte 15)", "'a' stands twice"}},
      {"{\"a\":1}\n{\"a\":nope}\n", {":2:6 (byte 13)", "a value is expected", "'nope}'"}},
      {"{\"a\":1}\n{\"a\":1\n", {":2:7 (byte 14)", "',' or '}'", "not the end"}},
      {"{\"a\":1}\n{\"a\":\"x\n", {":2:6 (byte 13)", "not closed before its line ends"}},
      {"{\"a\":1}\n[1,2]\n", {":2:1 (byte 8)", "an object, which is a row", "'[1,2]'"}},
      {"{\"a\":1}\n{\"a\":1} x\n", {":2:9 (byte 16)", "'x'"}},
      {"{\"a\":1}\n{\"a\":01}\n", {":2:6", "'01}'"}},
      {"{\"a\":1}\n{\"a\":1,}\n", {":2:8", "a key in double quotes"}},
      {"{\"a\":1}\n{a:1}\n", {":2:2", "a key in double quotes", "'a:1}'"}},
      {"{\"a\":1}\n{\"a\" 1}\n", {":2:6", "':' behind the key"}},
      {"{\"a\":1}\n{\"a\":tru}\n", {":2:6", "a value"}},
      {"{\"a\":1}\n{\"a\":[1,,2]}\n", {":2:9", "a value"}},
      {"{\"a\":1}\n{\"a\":[1 2]}\n", {":2:9", "',' or ']'"}},
      {"{\"a\":1}\n{\"a\":{\"b\":1]}\n", {":2:12", "',' or '}'"}},
      {"{\"a\":1}\n{\"a\":[\"\\x\"]}\n", {":2:8", "no escape of JSON"}},
      {"{\"a\":1}\n{\"a\":\"\\ud800\"}\n", {":2:7", "half of a surrogate pair"}},
      {"{\"a\":1}\n{\"a\":\"\xC3(\"}\n", {":2:7 (byte 14)", "not valid UTF-8"}},
      {"{\"a\":1}\n{\"a\":\"\x01\"}\n", {":2:7", "control character (byte 1)"}},
      {"{\"a\":1}\n{\"a\":\n1}\n", {":2:6", "the end"}},
      {"[{\"a\":1}]\n", {":1:1 (byte 0)", "begins with '['", "format='json_array'"}},
      {"{\"a\":1}\n{\"a\":\"x\"y}\n", {":2:9", "',' or '}'"}},
      {"{\"a\":1}\n{\"a\":1\"y\"}\n", {":2:6", "a value"}},
  };
  for (const Case& one : cases) {
    for (const int64_t range_bytes : {int64_t{3}, int64_t{1} << 20}) {
      JsonOptions options;
      options.range_bytes = range_bytes;
      SCOPED_TRACE(one.text);
      expect_error(error_for(one.text, options), ErrorKind::kFileFormat, one.parts);
    }
  }
}

// In every object, however deep and however its keys are spelled.
TEST(JsonSource, NestedKeysStandOnce) {
  expect_error(error_for("{\"a\":{\"b\":1,\"b\":2}}\n"), ErrorKind::kFileFormat,
               {":1:13 (byte 12)", "'b' stands twice"});
  expect_error(error_for("{\"a\":[1,{\"x\":{\"b\":1,\"c\":{},\"\\u0062\":2}}]}\n"),
               ErrorKind::kFileFormat, {"(byte 27)", "'b' stands twice"});
  std::string many = "{\"a\":{";
  for (int i = 0; i < 40; ++i) many += concat("\"k", i, "\":", i, ",");
  expect_error(error_for(many + "\"k7\":0}}\n"), ErrorKind::kFileFormat, {"'k7' stands twice"});
  EXPECT_EQ(rows_of(many + "\"x\":{\"k7\":1}}}\n").size(), 1u);
  EXPECT_EQ(rows_of("{\"a\":[{\"b\":1},{\"b\":1}],\"c\":{\"b\":{\"b\":{\"b\":1}}}}\n").size(), 1u);
  JsonOptions options;
  options.on_error = RowErrorPolicy::kSkip;
  EXPECT_EQ(rows_of("{\"a\":{\"b\":1,\"b\":2}}\n{\"a\":{\"b\":1}}\n", options),
            (TextRows{{"{\"b\":1}"}}));
}

TEST(JsonSource, DefectsOfArrays) {
  const auto error = [](const char* text) { return error_for(text, array_format()); };
  expect_error(error("{\"a\":1}"), ErrorKind::kFileFormat, {"'[' of an array", "json_lines"});
  expect_error(error("[{\"a\":1} {\"a\":2}]"), ErrorKind::kFileFormat, {":1:10", "',' or ']'"});
  expect_error(error("[{\"a\":1},]"), ErrorKind::kFileFormat, {":1:10", "an object"});
  expect_error(error("[{\"a\":1}] x"), ErrorKind::kFileFormat, {":1:11", "end of the file"});
  expect_error(error("[{\"a\":1}"), ErrorKind::kFileFormat, {"not closed"});
  expect_error(error("[{\"a\":1},{\"a\":\"x"), ErrorKind::kFileFormat, {":1:10", "not closed"});
  expect_error(error("[1,2]"), ErrorKind::kFileFormat, {":1:2", "an object", "'1,2]'"});
  expect_error(error("[[{\"a\":1}]]"), ErrorKind::kFileFormat, {":1:2", "an object"});
  expect_error(error("[]"), ErrorKind::kFileFormat, {"no objects", "columns"});
  expect_error(error(" \n"), ErrorKind::kFileFormat, {});
  JsonOptions options = array_format();
  options.columns = {{"a", DataType(TypeId::kInt64)}};
  EXPECT_EQ(rows_of("[]", options).size(), 0u);
}

TEST(JsonSource, DeepNestingHasALimit) {
  const auto nested = [](size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}\n";
  };
  EXPECT_EQ(rows_of(nested(1000)).size(), 1u);
  expect_error(error_for(nested(5000)), ErrorKind::kFileFormat, {"levels deep"});
  expect_error(error_for(nested(2000000)), ErrorKind::kFileFormat, {"levels deep"});
}

TEST(JsonSource, BadLinesCanBeLeftOut) {
  const std::string text =
      "{\"a\":1}\nnonsense\n{\"a\":2,\"b\":\"x\"\n{\"a\":\"open\n{\"a\":3}\n[4]\n{\"a\":4,\"a\":5}"
      "\n"
      "{\"a\":\"\xff\"}\n{\"a\":6}";
  JsonOptions options;
  options.on_error = RowErrorPolicy::kSkip;
  for (int64_t range_bytes = 1; range_bytes < 100; ++range_bytes) {
    options.range_bytes = range_bytes;
    const auto source = open_text(text, options, 2);
    EXPECT_EQ(source->schema().to_string(), "a int64");
    EXPECT_EQ(read_all(*source), (TextRows{{"1"}, {"3"}, {"6"}}));
    EXPECT_EQ(source->known_rows(), 3);
    ASSERT_EQ(source->rejected().count, 6);
    EXPECT_EQ(source->rejected().kept[0].byte, 8);
    ASSERT_EQ(source->warnings().size(), 1u);
    EXPECT_NE(source->warnings()[0].find(
                  "6 of 9 rows are left out (on_error='skip'); the first is line 2"),
              std::string::npos)
        << source->warnings()[0];
  }
  options.multiline = true;
  expect_error(error_for(text, options), ErrorKind::kInvalidArgument, {"one object on each line"});
}

TEST(JsonSource, ValuesThatDoNotFitAreLeftOutToo) {
  const std::string text =
      "{\"a\":1,\"v\":[1,2]}\n{\"a\":\"x\",\"v\":[1,2]} {\"a\":3,\"b\":true}\nnonsense\n"
      "{\"a\":4,\"v\":[1]}\n{\"a\":\"5\",\"v\":null}\n";
  JsonOptions options;
  options.types = {{"a", DataType(TypeId::kInt64)}, {"v", DataType::vector(2)}};
  options.on_error = RowErrorPolicy::kSkip;
  for (int64_t range_bytes = 1; range_bytes < 100; ++range_bytes) {
    options.range_bytes = range_bytes;
    const auto source = open_text(text, options, 2);
    EXPECT_EQ(read_all(*source, 2), (TextRows{{"1", "[1.0, 2.0]", "<null>"},
                                              {"3", "<null>", "true"},
                                              {"5", "<null>", "<null>"}}));
    EXPECT_EQ(read_rows(*source, {2}), (TextRows{{"<null>"}, {"true"}, {"<null>"}}));
    EXPECT_EQ(source->known_rows(), 3);
    const TextRows rejects = read_all(*source->rejects());
    ASSERT_EQ(rejects.size(), 3u);
    EXPECT_EQ(rejects[0][1] + rejects[0][3] + rejects[0][4], "2ax");
    EXPECT_EQ(rejects[1][1] + rejects[1][3] + rejects[1][4], "3<null>nonsense");
    EXPECT_EQ(rejects[2][1] + rejects[2][3] + rejects[2][4], "4v[1]");
  }
}

// Every pass judges a row alike: the scan has the rows that were counted, and no others.
TEST(JsonSource, RowsLeftOutStayLeftOut) {
  const std::string good = "{\"a\":1,\"m\":{\"x\":1},\"s\":\"y\"}\n";
  const std::vector<std::string> bad = {R"({"a":2,"m":{"x":tru}})",
                                        R"({"a":2,"m":[NaN]})",
                                        R"({"a":2,"m":[01]})",
                                        R"({"a":2,"m":["\ud800"]})",
                                        R"({"a":2,"m":[1,,2]})",
                                        R"({"a":2,"m":{"x" 1}})",
                                        R"({"a":2,"m":{"x":1]})",
                                        R"({"a":2,"m":["\q"]})",
                                        R"({"a":2,"s":"\ud800"})",
                                        R"({"a":2,"s":"\q"})",
                                        R"({"a":2,"s":"\u12"})",
                                        R"({"a":02})",
                                        R"({"a":-})",
                                        R"({"a":1.})",
                                        R"({"a":2,"\q":1})",
                                        R"({"a":2,"other":{"deep":[x]}})"};
  std::string text = good;
  for (const std::string& line : bad) text += line + "\n" + good;
  JsonOptions options;
  options.on_error = RowErrorPolicy::kSkip;
  const auto rows = static_cast<int64_t>(bad.size()) + 1;
  const auto check = [&](const JsonOptions& chosen, const std::vector<std::string>& row) {
    for (const int64_t range_bytes : {int64_t{1}, int64_t{40}, int64_t{1} << 20}) {
      JsonOptions cut = chosen;
      cut.range_bytes = range_bytes;
      const auto source = open_text(text, cut, 2);
      EXPECT_EQ(source->known_rows(), rows);
      EXPECT_EQ(source->rejected().count, rows - 1);
      EXPECT_EQ(read_all(*source), TextRows(static_cast<size_t>(rows), row));
      EXPECT_EQ(read_rows(*source, {}).size(), static_cast<size_t>(rows));
      EXPECT_EQ(read_rows(*source, {0}, 3, 2).size(), static_cast<size_t>(rows));
    }
  };
  check(options, {"1", "{\"x\":1}", "y"});
  options.types["a"] = DataType(TypeId::kInt32);
  check(options, {"1", "{\"x\":1}", "y"});
  options.types.clear();
  options.columns = {{"a", DataType(TypeId::kInt64)}, {"s", DataType(TypeId::kUtf8)}};
  check(options, {"1", "y"});
}

TEST(JsonSource, MessyFiles) {
  expect_error(error_for(""), ErrorKind::kFileFormat, {"empty"});
  expect_error(error_for("\n \n"), ErrorKind::kFileFormat, {"no objects"});
  expect_error(error_for("\xEF\xBB\xBF"), ErrorKind::kFileFormat, {"byte order mark"});
  expect_error(error_for(std::string("{\"a\":\0}", 7)), ErrorKind::kFileFormat, {"'\\x00}'"});
  JsonOptions options;
  options.max_row_bytes = 100;
  options.range_bytes = 64;
  const std::string longer = "{\"a\":\"" + std::string(200, 'x') + "\"}\n";
  expect_error(error_for("{\"a\":\"y\"}\n" + longer, options), ErrorKind::kFileFormat,
               {":2:1", "longer than 100 bytes"});
  // Also where its end is read before its limit is reached.
  expect_error(error_for("{\"a\":\"" + std::string(110, 'x') + "\"}", options),
               ErrorKind::kFileFormat, {":1:1", "longer than 100 bytes"});
  options.multiline = true;
  expect_error(error_for("{\"a\":\"y\"}\n" + longer, options), ErrorKind::kFileFormat,
               {"longer than 100 bytes"});
  options = {};
  options.max_columns = 3;
  expect_error(error_for("{\"a\":1,\"b\":1,\"c\":1}\n{\"d\":1}", options), ErrorKind::kFileFormat,
               {"more than 3 different keys", "'d'"});
}

TEST(JsonSource, TheLongestObjectDoesNotDependOnThePieces) {
  JsonOptions options;
  options.max_row_bytes = 100;
  const auto object = [](size_t size) {
    return "{\"a\":\"" + std::string(size - 8, 'x') + "\"}\n";
  };
  for (const bool multiline : {false, true}) {
    options.multiline = multiline;
    for (const int64_t range_bytes : {1, 7, 64, 150, 1 << 20}) {
      SCOPED_TRACE(concat(multiline, " ", range_bytes));
      options.range_bytes = range_bytes;
      const std::string begin = object(20) + object(30);
      EXPECT_EQ(read_all(*open_text(begin + object(98) + object(9), options)).size(), 4u);
      expect_error(error_for(begin + object(120) + object(9), options), ErrorKind::kFileFormat,
                   {":3:1", "longer than 100 bytes"});
    }
  }
}

TEST(JsonSource, TextOptions) {
  const JsonOptions options = json_options_from_text({{"FORMAT", "json_array"},
                                                      {"columns", "a, \"b \"\"c\" int32"},
                                                      {"types", "d decimal(10, 2)"},
                                                      {"encoding", "utf-8"}});
  EXPECT_EQ(options.format, JsonFormat::kArray);
  ASSERT_EQ(options.columns.size(), 2u);
  EXPECT_FALSE(options.columns[0].type.has_value());
  EXPECT_EQ(options.columns[1].name, "b \"c");
  EXPECT_EQ(options.types.at("d"), DataType::decimal(10, 2));
  expect_error(error_of([] { json_options_from_text({{"formt", "x"}}); }),
               ErrorKind::kInvalidArgument, {"JSON has no option 'formt'", "'format'"});
  expect_error(error_of([] { json_options_from_text({{"format", "xml"}}); }),
               ErrorKind::kInvalidArgument, {"json_lines or json_array"});
}

}  // namespace
}  // namespace velaria
