// What the probe says of how rows and fields are told apart in messy files, and of several files.
#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/io/line/line_source.h"
#include "src/io/probe/probe.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

ProbeResult probe_named(const std::string& name, std::string_view text,
                        const RowPolicies& rows = {}) {
  return probe_files(local_file_system(), {write_test_file(name, text)}, {}, {}, rows);
}

ProbeResult probe_text(std::string_view text) { return probe_named("t.txt", text); }

std::string all_warnings(const ProbeResult& result) { return join_texts(result.warnings, "\n"); }

bool warns_of(const ProbeResult& result, std::string_view part) {
  return all_warnings(result).find(part) != std::string::npos;
}

// The explicit reader with the settings that were found, written as texts.
TextRows told(const ProbeResult& probed) {
  const auto texts = with_probed_options(probed, {});
  return read_all(*open_csv(local_file_system(), probed.paths[0], csv_options_from_text(texts)));
}

TEST(ProbeFiles, OneReaderReadsAllOrSaysWhyNot) {
  const auto files = local_file_system();
  const auto probe = [&](const std::vector<std::string>& texts, bool by_name = false) {
    std::vector<std::string> paths;
    for (const std::string& text : texts) {
      paths.push_back(write_test_file(concat(paths.size(), ".csv"), text));
    }
    InputOptions input;
    input.union_by_name = by_name;
    return probe_files(files, paths, input);
  };
  const auto error = [&](const std::vector<std::string>& texts, bool by_name = false) {
    return error_of([&] { probe(texts, by_name); });
  };
  // A title in the first file only, without a header: two rows would be lost.
  expect_error(error({"Report\nof 2013\n1,2\n3,4\n5,6\n", "7,8\n9,10\n11,12\n"}),
               ErrorKind::kFileFormat, {"1.csv", "'7,8' is no title", "skip_lines"});
  expect_error(error({"Report\nof 2013\na,b\n1,2\n3,4\n", "a,b\n7,8\n9,10\n11,12\n"}),
               ErrorKind::kFileFormat, {"1.csv", "'a,b' is no title"});
  // A header in one of them.
  expect_error(error({"1,2\n3,4\n5,6\n", "a,b\n7,8\n9,10\n"}), ErrorKind::kFileFormat,
               {"1.csv", "'a, b'", "is a header, and there is none"});
  expect_error(error({"a,b\n1,2\n3,4\n", "c,7\n9,10\n11,12\n"}), ErrorKind::kFileFormat,
               {"1.csv", "columns"});
  expect_error(error({"a,b\n1,2\n3,4\n", "5,6\n9,10\n11,12\n"}, true), ErrorKind::kFileFormat,
               {"1.csv", "'5, 6' is data"});
  // All alike: titles of one length, no header, and headers joined by name.
  EXPECT_EQ(read_all(*probe({"T\n\na,b\n1,2\n", "U\n\na,b\n3,4\n"}).source),
            (TextRows{{"1", "2"}, {"3", "4"}}));
  EXPECT_EQ(read_all(*probe({"T,,\na,b,c\n1,2,3\n4,5,6\n", "U,,\na,b,c\n7,8,9\n"}).source).size(),
            3u);
  EXPECT_EQ(read_all(*probe({"1,2\n3,4\n", "5,6\n7,8\n"}).source).size(), 4u);
  EXPECT_EQ(read_all(*probe({"a,b\n1,2\n", "b,c\n3,4\n"}, true).source),
            (TextRows{{"1", "2", "<null>"}, {"<null>", "3", "4"}}));
  // A guess about one file is decided by all: what each begins with is a header, or a row.
  const ProbeResult same = probe({"name,city\nann,rome\nbob,oslo\n", "name,city\ncyd,bern\n"});
  EXPECT_TRUE(same.header);
  EXPECT_TRUE(same.warnings.empty()) << all_warnings(same);
  EXPECT_EQ(read_all(*same.source).size(), 3u);
  const ProbeResult rows = probe({"ann,rome\nbob,oslo\n", "cyd,bern\n"});
  EXPECT_FALSE(rows.header);
  EXPECT_EQ(read_all(*rows.source).size(), 3u);
}

TEST(ProbeFiles, EncodingsMustBeOne) {
  const std::string first = write_test_file("0.csv",
                                            "name,n\nM\xFCller,1\nJ\xE4ger,2\nWei\xDF,3\n"
                                            "Gr\xFCn,4\nSch\xF6n,5\n");
  const std::string utf8 = write_test_file("1.csv", "name,n\nM\xC3\xBCller,1\n");
  const std::string ascii = write_test_file("2.csv", "name,n\nMiller,1\n");
  const auto files = local_file_system();
  EXPECT_EQ(probe_files(files, {first, ascii}, {}).encoding, "cp1252");
  expect_error(error_of([&] { probe_files(files, {first, utf8}, {}); }), ErrorKind::kFileFormat,
               {"1.csv", "it is in utf-8, not in cp1252", "encoding"});
}

// Parts of a large file begin and end in the middle of a text in quotes.
TEST(ProbeLayout, LongFieldsOfManyLines) {
  for (const size_t lines : {size_t{300}, size_t{9000}}) {
    std::string text = "id,note,size\n";
    for (int row = 0; text.size() < 3500000; ++row) {
      text += concat(row, ",\"Dear Sir, or Madam,\n");
      for (size_t i = 0; i < lines; ++i)
        text += concat("this is line ", i, ", of many; so it is\n");
      text += concat("Yours\",", row, ".5\n");
    }
    const ProbeResult result = probe_text(text);
    EXPECT_EQ(result.kind, "csv") << lines;
    EXPECT_EQ(result.delimiter, ",");
    EXPECT_EQ(result.confidence, "high") << result.candidates[0].reason;
    EXPECT_EQ(result.schema.to_string(), "id int64, note utf8, size float64");
  }
}

TEST(ProbeLayout, RaggedTables) {
  const char* text = "a,b,c\n1,2\n1,2,3,4\n";
  for (const char* name : {"t.csv", "t.txt"}) {
    expect_error(error_of([&] { probe_named(name, text); }), ErrorKind::kFileFormat,
                 {":2:1", "2 fields", "3 columns", "ragged='pad'"});
    RowPolicies skip;
    skip.on_error = RowErrorPolicy::kSkip;
    const ProbeResult result = probe_named(name, "a,b,c\n1,2\n1,2,3,4\n5,6,7\n", skip);
    EXPECT_EQ(result.kind, "csv");
    EXPECT_EQ(read_all(*result.source), (TextRows{{"5", "6", "7"}}));
  }
  RowPolicies pad;
  pad.ragged = RaggedPolicy::kPad;
  const ProbeResult padded = probe_named("p.csv", "a,b,c,d\n1\n1,2\n1,2,3\n,\n", pad);
  EXPECT_EQ(padded.kind, "csv");
  EXPECT_EQ(padded.schema.size(), 4u);
  // Prose has commas, too; what is read as lines says so.
  const ProbeResult prose =
      probe_text("Dear Sir, or Madam,\nthis is a letter.\nIt has, now, and then, commas.\nYours\n");
  EXPECT_EQ(prose.kind, "line");
  EXPECT_TRUE(warns_of(prose, "each line is read as one text")) << all_warnings(prose);
}

TEST(ProbeLayout, Comments) {
  for (const char* text :
       {"# made by x\nid,name\n1,ann\n2,bob\n", "# made by x, 2020\nid,name\n1,ann\n2,bob\n",
        "# a, b, c\n# d\nid,name\n1,ann\n# e\n2,bob\n", "id,name\n1,ann\n2,bob\n#end\n"}) {
    const ProbeResult result = probe_named("c.csv", text);
    EXPECT_EQ(result.kind, "csv") << text;
    EXPECT_EQ(result.comment, "#") << text;
    EXPECT_NE(result.confidence, "high") << text;
    EXPECT_TRUE(warns_of(result, "taken as comments")) << all_warnings(result);
    EXPECT_EQ(result.schema.to_string(), "id int64, name utf8") << text;
    EXPECT_EQ(read_all(*result.source), (TextRows{{"1", "ann"}, {"2", "bob"}})) << text;
    EXPECT_EQ(told(result), read_all(*result.source)) << text;
  }
  // A header and values may begin with the mark.
  // Lines in quotes are no comments.
  EXPECT_EQ(probe_text("a,b\n1,\"x\n#y\n\"\n2,z\n").comment, "");
  const ProbeResult header = probe_text("#id,name\n1,ann\n2,bob\n");
  EXPECT_EQ(header.comment, "");
  EXPECT_EQ(header.schema.to_string(), "#id int64, name utf8");
  const ProbeResult values = probe_text("color,n\n#ff0000,1\n#00ff00,2\n");
  EXPECT_EQ(values.comment, "");
  EXPECT_EQ(read_all(*values.source).size(), 2u);
  const ProbeResult tags = probe_text("#one\n#two\n#three\n");
  EXPECT_EQ(tags.comment, "");
  EXPECT_EQ(read_all(*tags.source).size(), tags.header ? 2u : 3u);
  EXPECT_TRUE(warns_of(tags, "which is a guess"));
}

TEST(ProbeLayout, ColumnsOfTheirOwn) {
  for (const char* text :
       {"12:30:45\n12:31:00\n23:59:59\n", "http://a.example/x\nhttp://b.example:8080/y\n",
        "start\n2013-01-01 05:00:01\n2013-01-02 06:10:02\n", "fe80::1\nfe80::2\nfe80::3\n",
        "00:1a:2b:3c:4d:5e\n00:1a:2b:3c:4d:5f\n", "10:00\n11:00\n12:00\n"}) {
    const ProbeResult result = probe_text(text);
    EXPECT_EQ(result.schema.size(), 1u) << text;
    const std::string all = text;
    const auto lines = static_cast<size_t>(std::count(all.begin(), all.end(), '\n'));
    EXPECT_EQ(read_all(*result.source).size() + (result.kind == "csv" && result.header ? 1 : 0),
              lines)
        << text;
  }
  const ProbeResult users = probe_text(
      "root:x:0:0:root:/root:/bin/bash\nwww:x:33:33:www:/var/www:/bin/sh\nann:x:1000:1000:A "
      "B,,:/home/ann:/bin/zsh\n");
  EXPECT_EQ(users.delimiter, ":");
  EXPECT_EQ(users.schema.size(), 7u);
}

TEST(ProbeLayout, TitlesAreNoRows) {
  // Values above a table are not dropped.
  for (const char* text : {"5\n6\n1,2\n3,4\n5,6\n", "2013-01-01\n1,2\n3,4\n5,6\n",
                           "1,2,3\n\n4,5\n6,7\n8,9\n", "a,b,c\nd,e,f\n\n4,5\n6,7\n8,9\n"}) {
    try {
      const ProbeResult result = probe_text(text);
      EXPECT_EQ(result.skip_lines, 0) << text;
      EXPECT_EQ(result.kind, "line") << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFileFormat) << text << ": " << error.message();
    }
  }
  // What is left out is never of high confidence; what is split like a row is of low.
  EXPECT_EQ(probe_text("Sales of 2013\n\nid,n\n1,2\n3,4\n5,6\n").confidence, "medium");
  const ProbeResult parted = probe_text("x,y,z\n\nid,n\n1,2\n3,4\n5,6\n");
  EXPECT_EQ(parted.confidence, "low");
  EXPECT_TRUE(warns_of(parted, "'x,y,z'")) << all_warnings(parted);
}

TEST(ProbeLayout, Delimiters) {
  const ProbeResult bars = probe_text("a||b||c\n1||x||2\n3||y||4\n");
  EXPECT_EQ(bars.delimiter, "||");
  EXPECT_EQ(bars.schema.to_string(), "a int64, b utf8, c int64");
  EXPECT_EQ(told(bars), read_all(*bars.source));
  EXPECT_EQ(probe_text("a|b|c\n1||2\n3|y|4\n").delimiter, "|");
  const ProbeResult ratings = probe_text(
      "1::1193::5::978300760\n1::661::3::978302109\n"
      "2::914::3::978301968\n");
  EXPECT_EQ(ratings.delimiter, "::");
  EXPECT_EQ(read_all(*ratings.source).size(), 3u);
  const ProbeResult decimals = probe_text("1,5;2,5\n3,5;4,25\n0,5;1,75\n");
  EXPECT_EQ(decimals.delimiter, ";");
  EXPECT_EQ(read_all(*decimals.source)[0], (std::vector<std::string>{"1,5", "2,5"}));
  EXPECT_EQ(probe_text("1,5;x\n2,6;y\n3,7;z\n").schema.size(), 2u);
  const ProbeResult spaces = probe_text("id name size\n1 ann 2.5\n2 bob 3.5\n3 cyd 4.5\n");
  EXPECT_EQ(spaces.delimiter, " ");
  EXPECT_EQ(spaces.schema.to_string(), "id int64, name utf8, size float64");
  EXPECT_EQ(told(spaces), read_all(*spaces.source));
  EXPECT_EQ(probe_text("one two three\nfour five six\n").final_format, "line_split");
  for (const char* end : {"\n", "\r\n"}) {
    const ProbeResult said =
        probe_text(concat("sep=;", end, "a;b", end, "1;2,5", end, "3;4,5", end));
    EXPECT_EQ(said.delimiter, ";");
    EXPECT_EQ(said.skip_lines, 1);
    EXPECT_EQ(said.schema.to_string(), "a int64, b utf8");
    EXPECT_EQ(read_all(*said.source).size(), 2u);
    EXPECT_EQ(told(said), read_all(*said.source));
  }
}

TEST(ProbeLayout, CloseHeadersAreGuesses) {
  // One column speaks for a header, another against it.
  const ProbeResult close = probe_text("id,2013\n1,5\n2,6\n3,7\n");
  EXPECT_TRUE(warns_of(close, "which is a guess")) << all_warnings(close);
  EXPECT_FALSE(probe_text("http://a.example/c\nhttp://d.example/f\n").header);
  EXPECT_FALSE(probe_text("ann@a.example\nbob@b.example\n").header);
  const ProbeResult clear = probe_text("id,n,year\n1,5,7\n2,6,8\n");
  EXPECT_FALSE(warns_of(clear, "which is a guess")) << all_warnings(clear);
}

TEST(ProbeLayout, LinesWithAHeaderSaySo) {
  const ProbeResult table = probe_text("id  name   n\n1   ann    2\n2   bob    3\n");
  EXPECT_EQ(table.final_format, "line_split");
  EXPECT_TRUE(warns_of(table, "looks like a header")) << all_warnings(table);
  const ProbeResult none = probe_text("7  cyd   n\n1   ann    2\n2   bob    3\n");
  EXPECT_FALSE(warns_of(none, "looks like a header")) << all_warnings(none);
}

// With some of the format named only the rest is guessed, and nothing is read for it.
TEST(ProbeLayout, NamedFormatsAreNotRead) {
  RowPolicies rows;
  rows.layout_is_given = true;
  const ProbeResult result = probe_named("g.csv", "a,b\n1,NA\n2\n3,4\n", rows);
  EXPECT_EQ(result.kind, "csv");
  EXPECT_EQ(result.source, nullptr);
  const auto texts = with_probed_options(result, {{"ragged", "pad"}, {"types", "a utf8"}});
  const auto source = open_csv(local_file_system(), result.paths[0], csv_options_from_text(texts));
  EXPECT_EQ(source->schema().to_string(), "a utf8, b int64");
  EXPECT_EQ(read_all(*source), (TextRows{{"1", "<null>"}, {"2", "<null>"}, {"3", "4"}}));
}

}  // namespace
}  // namespace velaria
