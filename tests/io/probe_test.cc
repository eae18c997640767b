#include "src/io/probe/probe.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/io/json/json_source.h"
#include "src/io/line/line_source.h"
#include "src/io/probe/probe_candidates.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

ProbeResult probe_text(std::string_view text) {
  return probe_file(local_file_system(), write_test_file("t.txt", text));
}

std::string rows_of(size_t count, const std::string& row) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += concat(row, i, "\n");
  return out;
}

TEST(Probe, DelimitersAndKinds) {
  for (const std::string& delimiter : std::vector<std::string>{",", ";", "\t", "|"}) {
    std::string text = concat("id", delimiter, "name", delimiter, "when\n");
    for (int i = 0; i < 20; ++i) {
      text += concat(i, delimiter, "n", i, delimiter, "2013-01-01 05:00:00\n");
    }
    const ProbeResult result = probe_text(text);
    EXPECT_EQ(result.kind, "csv");
    EXPECT_EQ(result.final_format, delimiter == "\t" ? "tsv" : "csv");
    EXPECT_EQ(result.delimiter, delimiter);
    EXPECT_TRUE(result.header);
    EXPECT_EQ(result.confidence, "high");
    EXPECT_EQ(result.schema.to_string(), "id int64, name utf8, when timestamp[us]");
    EXPECT_TRUE(result.warnings.empty()) << result.warnings[0];
  }
}

TEST(Probe, HeadersByEvidence) {
  EXPECT_FALSE(probe_text("1,2,a\n3,4,b\n5,6,c\n").header);
  EXPECT_TRUE(probe_text("x,y,z\n3,4,b\n5,6,c\n").header);
  const ProbeResult guess = probe_text("name,city\nann,rome\nbob,oslo\ncyd,bern\n");
  EXPECT_TRUE(guess.header);
  EXPECT_EQ(guess.warnings.size(), 1u);
  EXPECT_FALSE(probe_text("ann,rome\nann,oslo\nbob,rome\nbob,bern\n").header);
}

TEST(Probe, ThousandsBesideDecimalCommas) {
  const ProbeResult result = probe_text("name;pieces;price\na;1.234;1,50\nb;17;1.234,00\n");
  EXPECT_EQ(result.schema.to_string(), "name utf8, pieces float64, price utf8");
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(result.warnings[0].find("'1.234' in column 'pieces' is read as a fraction"),
            std::string::npos)
      << result.warnings[0];
  // Fractions of other lengths are fractions, and so are those of a file without decimal commas.
  for (const char* text : {"name;pieces;price\na;1.234;1,50\nb;17.5;2,00\n",
                           "name;pieces;price\na;1.234;1.50\nb;17;2.00\n",
                           "name;pieces;price\na;0.234;1,50\nb;17;2,00\n",
                           "name;pieces;words\na;1.234;so, so\nb;17;1, 2\n"}) {
    const ProbeResult plain = probe_text(text);
    EXPECT_TRUE(plain.warnings.empty()) << text << plain.warnings[0];
  }
}

TEST(Probe, NullWords) {
  const ProbeResult result = probe_text("a,b,c\n1,NA,x\n2,3,NA\n3,4,y\n");
  EXPECT_EQ(result.null_words, std::vector<std::string>{"NA"});
  EXPECT_EQ(result.schema.to_string(), "a int64, b int64, c utf8");
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(result.warnings[0].find("'NA' is read as NULL in column 'b'"), std::string::npos)
      << result.warnings[0];
  // A word is text in a column of text: nobody knows that it means nothing there.
  EXPECT_EQ(read_all(*result.source),
            (TextRows{{"1", "<null>", "x"}, {"2", "3", "NA"}, {"3", "4", "y"}}));
  // Several words, dates and truth values.
  const ProbeResult several =
      probe_text("a,b,c,d\n1,NA,-,Null\n2,-,true,n/a\n3,4,NULL,2013-01-01\n-,5,false,-\n");
  EXPECT_EQ(several.schema.to_string(), "a int64, b int64, c bool, d date32");
  EXPECT_EQ(several.null_words, (std::vector<std::string>{"NA", "n/a", "NULL", "Null", "-"}));
  // Quoted words, and words in text, are text.
  EXPECT_TRUE(probe_text("a,b\n1,\"NA\"\n2,5\n3,4\n").null_words.empty());
  EXPECT_TRUE(probe_text("a,b\n1,NA\n2,x\n3,y\n").null_words.empty());
  EXPECT_TRUE(probe_text("a,b\n1,-\n2,-\n3,-\n").null_words.empty());
}

TEST(Probe, NullWordsAreReadAsProbed) {
  const std::string path = write_test_file(
      "n.csv", "id,name,size,when\n1,NA,-,2013-01-01\n-,-,2.5,NA\n3,n/a,\"4\",2013-01-02\n");
  const auto files = local_file_system();
  const ProbeResult probed = probe_file(files, path);
  const TextRows expected = {{"1", "NA", "<null>", "2013-01-01"},
                             {"<null>", "-", "2.5", "<null>"},
                             {"3", "n/a", "4.0", "2013-01-02"}};
  EXPECT_EQ(read_all(*probed.source), expected);
  const auto texts = with_probed_options(probed, {});
  for (const CsvOptions& options : {csv_options_from_text(texts), to_csv_options(probed)}) {
    const auto told = open_csv(files, path, options);
    EXPECT_EQ(told->schema(), probed.schema);
    EXPECT_EQ(read_all(*told), expected);
  }
  // What the caller says holds in every column.
  const auto said = open_csv(
      files, path, csv_options_from_text(with_probed_options(probed, {{"null_text", "NA,-,n/a"}})));
  EXPECT_EQ(read_all(*said)[0], (std::vector<std::string>{"1", "<null>", "<null>", "2013-01-01"}));
  const auto none = open_csv(
      files, path, csv_options_from_text(with_probed_options(probed, {{"null_words", ""}})));
  EXPECT_EQ(none->schema().to_string(), "id utf8, name utf8, size utf8, when utf8");
}

TEST(Probe, ReadingIsAsProbedAndRepeatable) {
  std::string text = "zip;amount;note;ok\n";
  for (int i = 0; i < 300; ++i) {
    text += concat("0", 1000 + i, ";", i, i % 7 == 0 ? ".5" : "", ";\"a;\nb\";",
                   i % 2 == 1 ? "true" : "false", "\n");
  }
  const std::string path = write_test_file("1 sales (x).csv", text);
  const auto files = local_file_system();
  const ProbeResult first = probe_file(files, path);
  const ProbeResult second = probe_file(files, path);
  EXPECT_EQ(first.schema, second.schema);
  EXPECT_EQ(first.score, second.score);
  EXPECT_EQ(first.warnings, second.warnings);
  EXPECT_EQ(first.schema.to_string(), "zip utf8, amount float64, note utf8, ok bool");
  CsvOptions explicit_options;
  explicit_options.delimiter = ";";
  const auto explicit_source = open_csv(files, path, explicit_options);
  const auto probed_source = first.source;
  EXPECT_EQ(probed_source->schema(), explicit_source->schema());
  EXPECT_EQ(read_all(*probed_source), read_all(*explicit_source));
}

TEST(Probe, JsonAndLines) {
  const ProbeResult lines =
      probe_text("{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2, \"b\": null}\n{\"a\": 3, \"b\": [1,2]}\n");
  EXPECT_EQ(lines.final_format, "json_lines");
  EXPECT_EQ(lines.confidence, "high");
  const ProbeResult array = probe_text("[\n {\"a\": 1},\n {\"a\": 2}\n]\n");
  EXPECT_EQ(array.final_format, "json_array");
  EXPECT_EQ(array.kind, "json");
  const ProbeResult log = probe_text(
      rows_of(10, "10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a,b HTTP/1.0\" 200 232"));
  EXPECT_EQ(log.final_format, "line_regex");
  EXPECT_EQ(probe_text(rows_of(10, "one two three ")).final_format, "line_split");
}

// What is probed, and the explicit reader with the settings that were found, written as texts.
void expect_agreement(const std::string& name, const std::string& text, const std::string& format,
                      const std::string& schema) {
  SCOPED_TRACE(text.substr(0, 200));
  const auto files = local_file_system();
  const std::string path = write_test_file(name, text);
  const ProbeResult probed = probe_file(files, path);
  EXPECT_EQ(probed.final_format, format) << probed.candidates[0].reason;
  EXPECT_EQ(probed.schema.to_string(), schema);
  const TableSourcePtr source = probed.source;
  const auto options = with_probed_options(probed, {});
  TableSourcePtr told;
  if (probed.kind == "csv") {
    told = open_csv(files, path, csv_options_from_text(options));
  } else if (probed.kind == "json") {
    told = open_json(files, path, json_options_from_text(options));
  } else {
    told = open_lines(files, path, line_options_from_text(options));
  }
  EXPECT_EQ(source->schema(), probed.schema);
  EXPECT_EQ(told->schema(), probed.schema);
  EXPECT_EQ(read_all(*told), read_all(*source));
  size_t lines = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines += text.find_first_not_of(" \t\r", at) < end ? 1 : 0;
    at = end + 1;
  }
  // No line is dropped without a warning (objects over several lines and quoted line ends apart).
  if (probed.kind == "line" && read_all(*source).size() != lines) {
    EXPECT_FALSE(probed.warnings.empty());
  }
}

TEST(Probe, FormatsAndExplicitReadersAgree) {
  expect_agreement("a.jsonl", "{\"a\":1}\n{\"b\":\"x\",\"a\":2.5}\n", "json_lines",
                   "a float64, b utf8");
  expect_agreement("b.json", "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n", "json_lines", "a int64");
  expect_agreement("c.json", "{\"a\":1}{\"a\":2}", "json_lines", "a int64");
  expect_agreement("d.json", "[{\"a\":\"2024-01-01\"},\n{\"a\":null}]", "json_array", "a date32");
  expect_agreement("e.log",
                   "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET /x HTTP/1.0\" 200 5\n"
                   "1.2.3.5 - bob [10/Oct/2000:13:55:37 -0700] \"GET /y,z HTTP/1.0\" 404 -\n",
                   "line_regex",
                   "host utf8, ident utf8, user utf8, time utf8, method utf8, path utf8, protocol "
                   "utf8, status int64, bytes int64");
  expect_agreement("f.log",
                   "2026-01-01 10:00:00 INFO started\n2026-01-01 10:00:01 ERROR broke, badly\n"
                   "  at main.cc:5\n2026-01-01 10:00:02 INFO ended\n",
                   "line_regex",
                   "time timestamp[us], fraction utf8, zone utf8, level utf8, message utf8");
  expect_agreement(
      "g.log", "Jan  5 12:34:56 host sshd[12]: one, two\nJan  5 12:34:57 host cron: three\n",
      "line_regex", "priority int64, time utf8, host utf8, program utf8, pid int64, message utf8");
  expect_agreement("h.txt", "a 1  x\nb 2 y\nc  3 z\n", "line_split",
                   "column1 utf8, column2 int64, column3 utf8");
  expect_agreement(
      "i.txt", "Dear Sir, or Madam,\nthis is a letter.\nIt has, now, and then, commas.\nYours\n",
      "line_regex", "line utf8");
  expect_agreement("j.csv", "a,b\n1,x\n2,y\n3,z\n", "csv", "a int64, b utf8");
  expect_agreement("k.csv",
                   "when|level|n\n2026-01-01 10:00:00|INFO|1\n2026-01-01 10:00:00|WARN|2\n", "csv",
                   "when timestamp[us], level utf8, n int64");
}

TEST(Probe, SaysWhyTheRunnerUpLost) {
  const ProbeResult result = probe_text("{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n");
  ASSERT_GE(result.candidates.size(), 2u);
  EXPECT_EQ(result.candidates[0].reason, "2 of 2 lines are JSON objects");
  EXPECT_NE(result.candidates[1].reason.find("; lost to json_lines: 2 of 2 lines"),
            std::string::npos)
      << result.candidates[1].reason;
}

TEST(Probe, LinesThatALogFormatLeavesOutAreCounted) {
  const ProbeResult result = probe_text(
      "2026-01-01 10:00:00 INFO a\n2026-01-01 10:00:01 INFO b\n    trace\n2026-01-01 10:00:02 INFO "
      "c\n");
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(
      result.warnings[0].find("1 of 4 rows is left out (on_error='skip'); the first is line 3: "),
      std::string::npos)
      << result.warnings[0];
}

TEST(Probe, JsonGrammar) {
  for (const char* good : {"{}", "[]", " [1, -2.5e+3, \"\\u00e9\\n\", true, null] ", "0"}) {
    EXPECT_TRUE(is_json(good, false)) << good;
  }
  for (const char* bad :
       {"", "{", "[1,]", "{\"a\"}", "01", "\"\\x\"", "[1] 2", "tru", "{a:1}", "-"}) {
    EXPECT_FALSE(is_json(bad, false)) << bad;
  }
  EXPECT_TRUE(is_json("[{\"a\": 1}, {\"b", true));
  EXPECT_FALSE(is_json("[1,]", true));
  EXPECT_FALSE(is_json(std::string(100000, '['), false));
}

TEST(Probe, LosersSayWhy) {
  const ProbeResult result = probe_text("a;b;c\n1;2,5;x\n3;4,5;y\n5;6;z\n");
  EXPECT_EQ(result.delimiter, ";");
  ASSERT_GE(result.candidates.size(), 2u);
  EXPECT_EQ(result.candidates[0].reason, "4 of 4 rows have 3 fields at ';'");
  for (size_t i = 1; i < result.candidates.size(); ++i) {
    EXPECT_NE(result.candidates[i].reason.find("; lost"), std::string::npos)
        << result.candidates[i].reason;
  }
}

TEST(Probe, QuotesAndEscapes) {
  const ProbeResult single = probe_text("a,b\n'x,1',2\n'y',3\n'z,2',4\n");
  EXPECT_EQ(single.quote, '\'');
  EXPECT_EQ(read_all(*single.source), (TextRows{{"x,1", "2"}, {"y", "3"}, {"z,2", "4"}}));
  const ProbeResult escaped = probe_text("a,b\n\"x\\\"y\",2\n\"p, q\",3\n");
  EXPECT_EQ(escaped.escape, '\\');
  EXPECT_EQ(read_all(*escaped.source), (TextRows{{"x\"y", "2"}, {"p, q", "3"}}));
  const ProbeResult none = probe_text("a,b\n\"x\"y,2\n\"p,3\n");
  EXPECT_EQ(none.quote, '\0');
  EXPECT_FALSE(none.warnings.empty());
  EXPECT_EQ(probe_text("a,b\nit's,2\n'tis,3\n").quote, '"');
}

TEST(Probe, TitlesAboveTheTable) {
  for (const char* title : {"Sales of 2013\n", "Sales\n\n", "Sales, of 2013\nand more\n\n"}) {
    const ProbeResult result =
        probe_text(concat(title, "id,name,amount\n1,ann,2.5\n2,bob,3.5\n3,cyd,4\n"));
    EXPECT_EQ(result.delimiter, ",") << title;
    EXPECT_TRUE(result.header) << title;
    EXPECT_EQ(result.schema.to_string(), "id int64, name utf8, amount float64") << title;
    ASSERT_FALSE(result.warnings.empty()) << title;
    EXPECT_NE(result.warnings[0].find("Sales"), std::string::npos) << result.warnings[0];
    EXPECT_EQ(read_all(*result.source).size(), 3u);
  }
  // As spreadsheets write them.
  for (const char* title : {"Sales of 2013,,\n", "Sales,,\n,,\n", ",Sales of,\n,the year,\n,,\n"}) {
    const ProbeResult result =
        probe_text(concat(title, "id,name,amount\n1,ann,2.5\n2,,3.5\n3,cyd,4\n"));
    EXPECT_EQ(result.schema.to_string(), "id int64, name utf8, amount float64") << title;
    ASSERT_FALSE(result.warnings.empty()) << title;
    EXPECT_NE(result.warnings[0].find("Sales"), std::string::npos) << result.warnings[0];
    EXPECT_EQ(result.confidence, "low");
    EXPECT_EQ(read_all(*result.source).size(), 3u);
  }
  // A row with one value is a row where no header stands below it, and so is one of two words.
  for (const char* text : {"x,,\n1,ann,2.5\n2,bob,3.5\n3,cyd,4\n", ",7,\nid,name,amount\n1,a,2\n",
                           "Sales,2013,\nid,name,amount\n1,ann,2\n2,bob,3\n3,cyd,4\n",
                           "Sales,\nid,name\n1,ann\n2,bob\n3,cyd\n"}) {
    EXPECT_EQ(probe_text(text).skip_lines, 0) << text;
  }
  // A row that lacks fields is no title: nothing is dropped in silence.
  expect_error(error_of([] { probe_text("a,b,c\n1,2\n3,4,5\n"); }), ErrorKind::kFileFormat,
               {":2:1", "2 fields"});
}

// The rows in another order: the same answer, when all of them were looked at.
TEST(Probe, ShufflingRowsChangesNothing) {
  std::mt19937_64 random(test_seed());
  SCOPED_TRACE(concat("VELARIA_TEST_SEED=", test_seed()));
  for (int round = 0; round < 30; ++round) {
    std::vector<std::string> rows;
    const char* delimiter = round % 2 == 0 ? "," : ";";
    for (int i = 0; i < 200; ++i) {
      rows.push_back(concat(random() % 1000, delimiter, random() % 5 == 0 ? "NA" : "7.5", delimiter,
                            random() % 3 == 0 ? "\"a\nb\"" : "\"text, more\"", "\n"));
    }
    const bool header = round % 3 != 0;
    const auto probe_rows = [&] {
      std::string text = header ? concat("id", delimiter, "v", delimiter, "t\n") : "";
      for (const std::string& row : rows) text += row;
      return probe_text(text);
    };
    const ProbeResult first = probe_rows();
    std::shuffle(rows.begin(), rows.end(), random);
    const ProbeResult second = probe_rows();
    EXPECT_EQ(first.delimiter, second.delimiter);
    EXPECT_EQ(first.header, header);
    EXPECT_EQ(second.header, header);
    EXPECT_EQ(first.schema.to_string(), second.schema.to_string());
    EXPECT_EQ(first.score, second.score);
    EXPECT_EQ(first.warnings, second.warnings);
    ASSERT_EQ(first.candidates.size(), second.candidates.size());
    // Behind the best the first row alone may decide who is next.
    const auto reasons_of = [](const ProbeResult& result) {
      std::vector<std::string> out;
      for (const ProbeCandidate& candidate : result.candidates) out.push_back(candidate.reason);
      std::sort(out.begin() + 1, out.end());
      return out;
    };
    EXPECT_EQ(reasons_of(first), reasons_of(second));
  }
}

// Beyond the size that is judged whole, the middle and the end count, too.
TEST(Probe, LargeFilesAreSampledInSeveralPlaces) {
  std::string text = "id,note\n";
  while (text.size() < 1500000) text += concat(text.size(), ",\"a\nb, c\"\n");
  const ProbeResult good = probe_text(text);
  EXPECT_EQ(good.confidence, "high") << good.candidates[0].reason;
  EXPECT_NE(good.candidates[0].reason.find("samples"), std::string::npos);
  EXPECT_EQ(good.schema.to_string(), "id int64, note utf8");
  // A type that only the end breaks.
  EXPECT_EQ(probe_text(text + "x,y\n").schema.to_string(), "id utf8, note utf8");
}

TEST(Probe, Refusals) {
  expect_error(error_of([] { probe_text(""); }), ErrorKind::kFileFormat, {"is empty"});
  expect_error(error_of([] { probe_text("\n\n"); }), ErrorKind::kFileFormat, {"blank"});
  expect_error(error_of([] { probe_text(std::string_view("a\0b", 3)); }), ErrorKind::kFileFormat,
               {"binary", "byte 1"});
  expect_error(error_of([] { probe_text("a,b\n1,\xFF\n"); }), ErrorKind::kFileFormat, {"byte 6"});
  expect_error(error_of([] { probe_file(local_file_system(), "/no/such.csv"); }),
               ErrorKind::kFileAccess, {"/no/such.csv"});
}

TEST(Probe, EveryProbeHasACandidateAndAName) {
  for (const char* text :
       {"x", "a,b", "word\nword\n", "\"", "\"a", "{", "[1,2", "a b\n", ":::\n"}) {
    try {
      const ProbeResult result = probe_text(text);
      EXPECT_FALSE(result.candidates.empty()) << text;
      EXPECT_FALSE(result.confidence.empty());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFileFormat) << text << ": " << error.message();
    }
  }
  EXPECT_EQ(table_name_from_path("/x/2013-flights (1).csv.gz"), "t_2013_flights_1");
  EXPECT_EQ(table_name_from_path("flights.csv"), "flights");
  EXPECT_EQ(table_name_from_path("/x/\xC3\xA9.csv"), "data");
}

}  // namespace
}  // namespace velaria
