// probe(): what it says, that it always says the same, and that read() does exactly that.
#include <set>

#include "tests/session/session_testing.h"

namespace velaria {
namespace {

std::string whole(const ProbeResult& result) {
  std::string out = result.kind + "/" + result.final_format + "/" + std::to_string(result.score) +
                    "/" + result.confidence + "/" + result.schema.to_string() + "/" +
                    result.suggested_table_name + "/" + result.delimiter + "/" + result.quote +
                    (result.header ? "/header" : "/no header");
  for (const ProbeCandidate& candidate : result.candidates) {
    out += "\n" + candidate.format + " " + candidate.kind + " " + std::to_string(candidate.score) +
           " " + candidate.reason;
  }
  for (const std::string& warning : result.warnings) out += "\n" + warning;
  return out;
}

struct Sample {
  const char* name;
  const char* content;
  const char* format;
  const char* schema;
};

const std::vector<Sample> kSamples = {
    {"comma.csv", "id,name\n1,a\n2,b\n3,c\n", "csv", "id int64, name utf8"},
    {"semicolon.csv", "x;y\n0.5;a,b\n1.5;c\n-2;d\n", "csv", "x float64, y utf8"},
    {"tabs.tsv", "a\tb\n1\t2\n3\t4\n", "tsv", "a int64, b int64"},
    {"pipes.txt", "a|b|c\n1|2|x\n3|4|y\n", "csv", "a int64, b int64, c utf8"},
    {"zeros.csv", "zip,n\n02134,1\n10001,2\n", "csv", "zip utf8, n int64"},
    {"dates.csv", "d,t\n2013-01-01,2013-01-01 05:00:00\n2013-01-02,2013-01-02 06:30:00\n", "csv",
     "d date32, t timestamp[us]"},
};

TEST(FileSourceProbeTest, FindsFormatAndSchema) {
  DataflowSession session;
  for (const Sample& sample : kSamples) {
    const ProbeResult result = session.probe(write_file(sample.name, sample.content));
    EXPECT_EQ(result.kind, "csv") << sample.name;
    EXPECT_EQ(result.final_format, sample.format) << sample.name;
    EXPECT_EQ(result.schema.to_string(), sample.schema) << sample.name;
  }
}

TEST(FileSourceProbeTest, TheShapeOfTheResult) {
  DataflowSession session;
  for (const Sample& sample : kSamples) {
    const ProbeResult result = session.probe(write_file(sample.name, sample.content));
    EXPECT_GT(result.score, 0) << sample.name;
    EXPECT_LE(result.score, 1) << sample.name;
    EXPECT_EQ(std::set<std::string>({"high", "medium", "low"}).count(result.confidence), 1u)
        << result.confidence;
    EXPECT_FALSE(result.suggested_table_name.empty());
    ASSERT_FALSE(result.candidates.empty());
    EXPECT_EQ(result.candidates[0].format, result.final_format) << sample.name;
    EXPECT_EQ(result.candidates[0].kind, result.kind) << sample.name;
    for (size_t i = 0; i < result.candidates.size(); ++i) {
      EXPECT_FALSE(result.candidates[i].reason.empty()) << sample.name;
      if (i > 0) {
        EXPECT_LE(result.candidates[i].score, result.candidates[i - 1].score) << sample.name;
      }
    }
  }
}

TEST(FileSourceProbeTest, TheSameFileGivesTheSameAnswer) {
  for (const Sample& sample : kSamples) {
    const std::string path = write_file(sample.name, sample.content);
    DataflowSession first;
    DataflowSession second;
    EXPECT_EQ(whole(first.probe(path)), whole(first.probe(path)));
    EXPECT_EQ(whole(first.probe(path)), whole(second.probe(path)));
  }
}

TEST(FileSourceProbeTest, ReadIsProbeAndTheExplicitReaderWithItsSettings) {
  DataflowSession session;
  for (const Sample& sample : kSamples) {
    const std::string path = write_file(sample.name, sample.content);
    const ProbeResult probed = session.probe(path);
    const DataFrame read = session.read(path);
    const DataFrame explicitly =
        session.read_csv(path, Texts{{"delimiter", probed.delimiter},
                                     {"quote", std::string(1, probed.quote)},
                                     {"header", probed.header ? "true" : "false"}});
    EXPECT_EQ(read.schema().to_string(), probed.schema.to_string()) << sample.name;
    EXPECT_EQ(explicitly.schema().to_string(), probed.schema.to_string()) << sample.name;
    EXPECT_EQ(rows_of(read), rows_of(explicitly)) << sample.name;
    EXPECT_FALSE(rows_of(read).empty()) << sample.name;
  }
}

TEST(FileSourceProbeTest, AFileWithoutAHeaderKeepsItsFirstRow) {
  DataflowSession session;
  const std::string path = write_file("bare.csv", "1,2.5,3\n4,5.5,6\n7,8.5,9\n");
  EXPECT_FALSE(session.probe(path).header);
  EXPECT_EQ(rows_of(session.read(path)), (Rows{"1|2.5|3", "4|5.5|6", "7|8.5|9"}));
}

TEST(FileSourceProbeTest, JsonAndLinesAreToldFromCsv) {
  DataflowSession session;
  EXPECT_EQ(session.probe(write_file("a.jsonl", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n"))
                .final_format,
            "json_lines");
  EXPECT_EQ(session.probe(write_file("a.json", "[{\"a\":1},{\"a\":2}]\n")).final_format,
            "json_array");
}

TEST(FileSourceProbeTest, EveryKindIsReadAsItIsProbed) {
  DataflowSession session;
  struct Sample {
    const char* name;
    const char* text;
    const char* kind;
  };
  for (const Sample& sample : std::vector<Sample>{
           {"k.jsonl", "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\",\"c\":[1]}\n", "json"},
           {"k.json", "[{\"a\":1},\n{\"a\":2.5}]\n", "json"},
           {"k2.json", "{\n\"a\":1}\n{\"a\":2}\n", "json"},
           {"k.log", "2026-01-01 10:00:00 INFO a\n2026-01-01 10:00:01 WARN b\n", "line"},
           {"k.txt", "a 1 x\nb 2 y\n", "line"}}) {
    const std::string path = write_file(sample.name, sample.text);
    const ProbeResult probed = session.probe(path);
    EXPECT_EQ(probed.kind, sample.kind) << sample.name;
    const DataFrame read = session.read(path);
    const auto options = with_probed_options(probed, {});
    const DataFrame explicitly = probed.kind == "json" ? session.read_json(path, options)
                                                       : session.read_line_file(path, options);
    EXPECT_EQ(read.schema().to_string(), probed.schema.to_string()) << sample.name;
    EXPECT_EQ(explicitly.schema().to_string(), probed.schema.to_string()) << sample.name;
    EXPECT_EQ(rows_of(read), rows_of(explicitly)) << sample.name;
    EXPECT_EQ(rows_of(read).size(), 2u) << sample.name;
  }
}

TEST(FileSourceProbeTest, TheNameComesFromThePath) {
  DataflowSession session;
  EXPECT_EQ(session.probe(write_file("2013-flights (1).csv", "a,b\n1,2\n")).suggested_table_name,
            "t_2013_flights_1");
}

TEST(FileSourceProbeTest, WhatCannotBeProbedIsAnErrorThatNamesTheFile) {
  DataflowSession session;
  EXPECT_ERROR(session.probe(temp_path("nothing.csv")), "FileAccessError", "nothing.csv");
  EXPECT_ERROR(session.probe(write_file("empty.csv", "")), "FileFormatError", "empty.csv");
}

}  // namespace
}  // namespace velaria
