// In which order the files of a directory come, when they are read, and what late ones do.
#include "stream/connectors/file_directory_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

// The clock of the wall stands at the real time, and both move only by hand.
class HandClock : public Clock {
 public:
  int64_t steady_ns() const override { return moved_ns_; }
  int64_t wall_us() const override { return began_us_ + moved_ns_ / 1000; }
  void advance_ms(int64_t ms) { moved_ns_ += ms * kMillisecond; }

 private:
  const int64_t began_us_ = system_clock()->wall_us();
  std::atomic<int64_t> moved_ns_{0};
};

class FileDirectory : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& rows) const {
    std::ofstream(directory_.file(name), std::ios::app) << rows;
  }
  void put(const std::string& name, const std::string& rows) const {
    write(name + ".part", rows);
    std::filesystem::rename(directory_.file(name + ".part"), directory_.file(name));
  }
  void set_modified(const std::string& name, int64_t seconds) const {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, directory_.file(name).c_str(), times, 0), 0);
  }

  StreamSourcePtr source(FileDirectoryOptions options) const {
    CsvOptions csv;
    csv.header = false;
    csv.columns = {{"n", DataType(TypeId::kInt64)}};
    return make_file_directory_stream(local_file_system(), directory_.path(),
                                      csv_stream_format(csv), std::move(options));
  }
  StreamSourcePtr source(FileOrder order, bool bounded = true) const {
    FileDirectoryOptions options;
    options.order = order;
    options.bounded = bounded;
    options.settle_ms = 0;
    options.batch_rows = 2;
    return source(options);
  }

  const TestDirectory directory_;
};

// "1 2|3": the values of the batches that come now.
std::string batches_of(StreamSource& source, std::vector<std::string>* offsets = nullptr) {
  std::string out;
  StreamBatch batch;
  while (source.next(&batch) == SourceStatus::kBatch) {
    if (!out.empty()) out += "|";
    std::string values;
    for (const Chunk& chunk : batch.chunks) {
      for (int64_t row = 0; row < chunk.rows; ++row) {
        values += (values.empty() ? "" : " ") + chunk.columns[0]->value(row).to_string();
      }
    }
    out += values;
    if (offsets != nullptr) offsets->push_back(batch.source_offset);
  }
  return out;
}

std::string all_of(const StreamSourcePtr& source) {
  source->open({});
  return batches_of(*source);
}

TEST_F(FileDirectory, TheOrders) {
  put("part-10.csv", "10\n");
  put("part-9.csv", "9\n");
  put("part-2.csv", "2\n");
  set_modified("part-2.csv", 1000);
  set_modified("part-10.csv", 1001);
  set_modified("part-9.csv", 1001);
  EXPECT_EQ(all_of(source(FileOrder::kName)), "10|2|9");
  EXPECT_EQ(all_of(source(FileOrder::kNatural)), "2|9|10");
  EXPECT_EQ(all_of(source(FileOrder::kModified)), "2|10|9");

  EXPECT_EQ(file_order_from_name("natural"), FileOrder::kNatural);
  std::string message;
  EXPECT_EQ(kind_of([] { file_order_from_name("modifed"); }, &message),
            ErrorKind::kInvalidArgument);
  EXPECT_NE(message.find("did you mean 'modified'"), std::string::npos) << message;
}

TEST_F(FileDirectory, NaturalOrderIsTotal) {
  const std::vector<std::string> sorted = {"",
                                           "0",
                                           "00",
                                           "1",
                                           "1a",
                                           "a",
                                           "a0",
                                           "a1",
                                           "a01b",
                                           "a1b",
                                           "a2",
                                           "a2b1",
                                           "a2b9",
                                           "a2b10",
                                           "a10",
                                           "a10b",
                                           "a100",
                                           "b",
                                           "b99999999999999999998",
                                           "b99999999999999999999"};
  for (size_t i = 0; i < sorted.size(); ++i) {
    for (size_t j = 0; j < sorted.size(); ++j) {
      EXPECT_EQ(natural_less(sorted[i], sorted[j]), i < j) << sorted[i] << " and " << sorted[j];
    }
  }
  EXPECT_TRUE(natural_less("a01", "a1"));
  EXPECT_FALSE(natural_less("a1", "a01"));
}

TEST_F(FileDirectory, ThePatternChooses) {
  put("a-1.csv", "1\n");
  put("b-1.csv", "2\n");
  put("_a-1.csv", "3\n");
  std::filesystem::create_directory(directory_.file("a-0.csv"));
  FileDirectoryOptions options;
  options.settle_ms = 0;
  options.pattern = "a-*";
  EXPECT_EQ(all_of(source(options)), "1");
  options.pattern = "x/*";
  EXPECT_EQ(kind_of([&] { source(options); }), ErrorKind::kInvalidArgument);
  options.pattern = "";
  options.settle_ms = -1;
  EXPECT_EQ(kind_of([&] { source(options); }), ErrorKind::kInvalidArgument);
}

// A file without a byte has no rows to lose: it is told of, and one that fills later is an error.
TEST_F(FileDirectory, EmptyFilesArePassedOver) {
  put("1.csv", "");
  put("2.csv", "2\n");
  put("3.csv", "");
  put("4.csv", "4\n");
  FileDirectoryOptions options;
  options.settle_ms = 0;
  options.bounded = false;
  const StreamSourcePtr following = source(options);
  following->open({});
  std::vector<std::string> offsets;
  EXPECT_EQ(batches_of(*following, &offsets), "2|4");
  const std::vector<std::string> warnings = following->take_notes().warnings;
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[0].find("1.csv' is empty"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[1].find("3.csv' is empty"), std::string::npos) << warnings[1];

  const StreamSourcePtr again = source(options);
  again->open({});
  again->restore(offsets[0]);
  EXPECT_EQ(batches_of(*again), "4");

  put("3.csv", "3\n");
  std::string message;
  EXPECT_EQ(kind_of([&] { batches_of(*following); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("3.csv' was changed after it was read (0 bytes then, 2 now)"),
            std::string::npos)
      << message;
}

TEST_F(FileDirectory, ColumnsComeFromTheFirstFileThatHasSome) {
  FileDirectoryOptions options;
  options.settle_ms = 0;
  const auto inferred = [&] {
    return make_file_directory_stream(local_file_system(), directory_.path(),
                                      csv_stream_format(CsvOptions()), options);
  };
  put("1.csv", "");
  std::string message;
  EXPECT_EQ(kind_of(inferred, &message), ErrorKind::kInvalidArgument);
  EXPECT_NE(message.find("holds no file '*.csv' that is not empty"), std::string::npos) << message;
  put("2.csv", "n\n2\n");
  EXPECT_EQ(all_of(inferred()), "2");
}

// Behind every offset come exactly the rows behind it, in every order and with late files.
TEST_F(FileDirectory, LateFilesAreReadNextAndEveryOffsetKnowsThem) {
  for (const FileOrder order : {FileOrder::kName, FileOrder::kNatural, FileOrder::kModified}) {
    SCOPED_TRACE(file_order_name(order));
    const auto put_at = [&](const std::string& name, const std::string& rows, int64_t seconds) {
      put(name, rows);
      set_modified(name, seconds);
    };
    put_at("5.csv", "1\n2\n3\n", 5000);
    put_at("7.csv", "4\n5\n6\n", 7000);
    const StreamSourcePtr following = source(order, false);
    following->open({});
    std::vector<std::string> offsets;
    EXPECT_EQ(batches_of(*following, &offsets), "1 2|3|4 5|6");
    put_at("2.csv", "7\n8\n9\n", 2000);
    put_at("3.csv", "10\n11\n12\n", 3000);
    put_at("8.csv", "13\n", 8000);
    EXPECT_EQ(batches_of(*following, &offsets), "7 8|9|10 11|12|13");
    ASSERT_EQ(offsets.size(), 9u);
    EXPECT_EQ(offsets[4].find("7.csv:2@6/"), 0u) << offsets[4];
    EXPECT_NE(offsets[4].find("/2.csv:1@6/3.csv:0"), std::string::npos) << offsets[4];

    const std::vector<std::string> rest = {
        "7 8|9|10 11|12|13", "9|10 11|12|13", "10 11|12|13", "12|13", "13", ""};
    for (size_t i = 4; i < offsets.size(); ++i) {
      const StreamSourcePtr again = source(order);
      again->open({});
      again->restore(offsets[i]);
      EXPECT_EQ(batches_of(*again), rest[i - 3]) << offsets[i];
      EXPECT_EQ(again->take_notes().warnings, std::vector<std::string>()) << offsets[i];
    }
    for (const char* name : {"2.csv", "3.csv", "5.csv", "7.csv", "8.csv"}) {
      std::filesystem::remove(directory_.file(name));
    }
  }
}

// A name says nothing of a file that came when the one of the offset was gone.
TEST_F(FileDirectory, ANewFileWithTheNameOfOneThatIsGoneIsReadWhole) {
  put("1.csv", "1\n2\n3\n");
  const StreamSourcePtr before = source(FileOrder::kName, false);
  before->open({});
  std::vector<std::string> offsets;
  EXPECT_EQ(batches_of(*before, &offsets), "1 2|3");
  std::filesystem::remove(directory_.file("1.csv"));
  const StreamSourcePtr after = source(FileOrder::kName, false);
  after->open({});
  after->restore(offsets.back());
  EXPECT_EQ(batches_of(*after), "");
  put("1.csv", "7\n8\n9\n");
  EXPECT_EQ(batches_of(*after), "7 8|9");
}

// Rows that came into a file that was done would be lost, and those of another file given twice.
TEST_F(FileDirectory, AFileThatChangedWhileNoQueryRanIsNotGoneOnWith) {
  put("1.csv", "1\n");
  put("2.csv", "2\n3\n4\n");
  const StreamSourcePtr before = source(FileOrder::kName);
  before->open({});
  std::vector<std::string> offsets;
  EXPECT_EQ(batches_of(*before, &offsets), "1|2 3|4");
  put("2.csv", "2\n3\n4\n5\n");
  for (size_t i = 1; i < offsets.size(); ++i) {
    const StreamSourcePtr again = source(FileOrder::kName);
    again->open({});
    std::string message;
    EXPECT_EQ(kind_of([&] { again->restore(offsets[i]); }, &message), ErrorKind::kCheckpoint);
    EXPECT_NE(message.find("2.csv': it had 6 bytes when it was read and has 8 now"),
              std::string::npos)
        << message;
  }
  // Before it was begun nothing of it can be lost; an offset of an older version knows no size.
  for (const std::string& offset : {offsets[0], std::string("2.csv:1/name:2")}) {
    const StreamSourcePtr again = source(FileOrder::kName);
    again->open({});
    again->restore(offset);
    EXPECT_EQ(batches_of(*again), offset == offsets[0] ? "2 3|4 5" : "4 5");
  }
}

TEST_F(FileDirectory, WhatComesLateWhileNoQueryRunsIsToldOf) {
  put("5.csv", "1\n");
  put("7.csv", "2\n");
  const StreamSourcePtr before = source(FileOrder::kNatural);
  before->open({});
  std::vector<std::string> offsets;
  EXPECT_EQ(batches_of(*before, &offsets), "1|2");
  EXPECT_EQ(offsets.back(), "7.csv:1@2/natural:2");
  put("6.csv", "3\n");
  put("10.csv", "4\n");
  const StreamSourcePtr after = source(FileOrder::kNatural);
  after->open({});
  after->restore(offsets.back());
  EXPECT_EQ(batches_of(*after, &offsets), "4");
  std::vector<std::string> warnings = after->take_notes().warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("1 files of csv directory"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("before '7.csv'"), std::string::npos) << warnings[0];

  // Files that are archived are not missed, but the one that the query stopped in is.
  std::filesystem::remove(directory_.file("5.csv"));
  std::filesystem::remove(directory_.file("10.csv"));
  after->open({});
  after->restore(offsets.back());
  EXPECT_EQ(batches_of(*after), "");
  warnings = after->take_notes().warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("10.csv' is gone"), std::string::npos) << warnings[0];
}

TEST_F(FileDirectory, OffsetsOfAnotherOrderAndBrokenOnesAreRefused) {
  put("5.csv", "1\n");
  const StreamSourcePtr natural = source(FileOrder::kNatural);
  natural->open({});
  for (const char* bad :
       {"", "5.csv", ":1", "5.csv:x", "5.csv:1/", "5.csv:1/natural", "5.csv:1/natural:x",
        "5.csv:1/other:1", "5.csv:1/natural:1:7", "5.csv:1/natural:1/4.csv", "5.csv:1/modified:1",
        "5.csv:1/name:1", "5.csv:1", "5.csv:1/modified:1:5"}) {
    EXPECT_EQ(kind_of([&] { natural->restore(bad); }), ErrorKind::kCheckpoint) << bad;
  }
  const StreamSourcePtr by_name = source(FileOrder::kName);
  by_name->open({});
  by_name->restore("5.csv:1");
  EXPECT_EQ(batches_of(*by_name), "");
}

TEST_F(FileDirectory, AFileThatIsBeingWrittenIsNotRead) {
  const auto clock = std::make_shared<HandClock>();
  FileDirectoryOptions options;
  options.bounded = false;
  options.clock = clock;
  options.settle_ms = 1000;
  const StreamSourcePtr following = source(options);
  following->open({});
  // Settled long ago, so that it is read at once.
  put("a.csv", "1\n");
  set_modified("a.csv", 1000);
  EXPECT_EQ(batches_of(*following), "1");
  write("b.csv", "2\n3");
  set_modified("b.csv", clock->wall_us() / 1'000'000 + 3600);  // of a machine whose clock is ahead
  put("c.csv", "4\n");
  set_modified("c.csv", 1000);
  EXPECT_EQ(batches_of(*following), "");
  clock->advance_ms(999);
  EXPECT_EQ(batches_of(*following), "");
  write("b.csv", "3\n");
  set_modified("b.csv", clock->wall_us() / 1'000'000 + 3600);
  clock->advance_ms(999);
  EXPECT_EQ(batches_of(*following), "");  // it changed: seen now
  clock->advance_ms(999);
  EXPECT_EQ(batches_of(*following), "");
  clock->advance_ms(1);
  EXPECT_EQ(batches_of(*following), "2 33|4");
  EXPECT_EQ(following->take_notes().warnings, std::vector<std::string>());
}

TEST_F(FileDirectory, AFileThatNeverSettlesIsToldOfOnce) {
  const auto clock = std::make_shared<HandClock>();
  FileDirectoryOptions options;
  options.clock = clock;
  options.settle_ms = 1000;
  write("a.csv", "1\n");
  const StreamSourcePtr bounded = source(options);
  bounded->open({});
  std::vector<std::string> warnings;
  for (int i = 0; i < 30; ++i) {
    write("a.csv", "1\n");
    set_modified("a.csv", clock->wall_us() / 1'000'000 + 10);
    StreamBatch batch;
    EXPECT_EQ(bounded->next(&batch), SourceStatus::kBlocked);
    for (std::string& text : bounded->take_notes().warnings) warnings.push_back(std::move(text));
    clock->advance_ms(700);
  }
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("is being written"), std::string::npos) << warnings[0];
}

TEST_F(FileDirectory, AFileThatChangesAfterItWasReadFailsTheQuery) {
  write("a.csv", "1\n2");
  const StreamSourcePtr following = source(FileOrder::kName, false);
  following->open({});
  EXPECT_EQ(batches_of(*following), "1 2");
  write("a.csv", "3\n");
  std::string message;
  EXPECT_EQ(kind_of([&] { batches_of(*following); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("a.csv' was changed after it was read (3 bytes then, 5 now)"),
            std::string::npos)
      << message;
}

TEST_F(FileDirectory, AFileThatGoesBeforeItIsReadIsToldOf) {
  put("a.csv", "1\n");
  put("b.csv", "2\n");
  const StreamSourcePtr bounded = source(FileOrder::kName);
  bounded->open({});
  std::filesystem::remove(directory_.file("a.csv"));
  EXPECT_EQ(batches_of(*bounded), "2");
  const std::vector<std::string> warnings = bounded->take_notes().warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("a.csv' was removed before it was read"), std::string::npos);
}

// Files of lines without a header, by pattern and by delimiter.
TEST_F(FileDirectory, FilesOfLines) {
  put("1.log", "warn 1\nerror 2\n");
  put("2.log", "\n");
  put("3.log", "info 3\n");
  LineOptions lines;
  lines.split_delimiter = " ";
  FileDirectoryOptions options;
  options.settle_ms = 0;
  const auto make = [&] {
    return make_file_directory_stream(local_file_system(), directory_.path(),
                                      line_stream_format(lines), options);
  };
  EXPECT_EQ(make()->schema().to_string(), "column1 utf8, column2 int64");
  EXPECT_EQ(all_of(make()), "warn error|info");
  put("4.log", "info 3 4\n");
  std::string message;
  EXPECT_EQ(kind_of([&] { all_of(make()); }, &message), ErrorKind::kFileFormat);
  EXPECT_NE(message.find("4.log"), std::string::npos) << message;
}

// The types of the first file are no names that the caller gave: a later value of another form
// would lose digits, and is an error with its place.
TEST_F(FileDirectory, TypesOfTheFirstFileLoseNoDigits) {
  struct Format {
    const char* name;
    StreamFileFormat inferred;
    StreamFileFormat named;
    std::function<std::string(const std::string& whole, const std::string& fraction)> file;
  };
  CsvOptions csv;
  CsvOptions typed_csv;
  typed_csv.types = {{"n", DataType(TypeId::kInt64)}, {"f", DataType(TypeId::kFloat64)}};
  JsonOptions json;
  JsonOptions typed_json;
  typed_json.types = typed_csv.types;
  LineOptions lines;
  lines.split_delimiter = " ";
  lines.mappings = {{"n", "0"}, {"f", "1"}};
  LineOptions typed_lines = lines;
  typed_lines.types = typed_csv.types;
  const std::vector<Format> formats = {
      {"csv", csv_stream_format(csv), csv_stream_format(typed_csv),
       [](const std::string& n, const std::string& f) { return concat("n,f\n", n, ",", f, "\n"); }},
      {"jsonl", json_stream_format(json), json_stream_format(typed_json),
       [](const std::string& n, const std::string& f) {
         return concat("{\"n\":", n, ",\"f\":", f, "}\n");
       }},
      {"log", line_stream_format(lines), line_stream_format(typed_lines),
       [](const std::string& n, const std::string& f) { return concat(n, " ", f, "\n"); }}};
  FileDirectoryOptions options;
  options.settle_ms = 0;
  for (const Format& format : formats) {
    SCOPED_TRACE(format.name);
    const auto read = [&](const StreamFileFormat& how) {
      return all_of(
          make_file_directory_stream(local_file_system(), directory_.path(), how, options));
    };
    const std::string first = concat("1.", format.name);
    const std::string second = concat("2.", format.name);
    put(first, format.file("7", "0.5"));
    put(second, format.file("8", "0.25"));
    EXPECT_EQ(read(format.inferred), "7|8");
    std::string message;
    put(second, format.file("8", "9007199254740993"));
    EXPECT_EQ(kind_of([&] { read(format.inferred); }, &message), ErrorKind::kTypeMismatch);
    EXPECT_NE(message.find(concat("2.", format.name, "':")), std::string::npos) << message;
    EXPECT_NE(message.find("give the column one in types, such as utf8"), std::string::npos)
        << message;
    EXPECT_EQ(read(format.named), "7|8");
    if (std::string_view(format.name) != "jsonl") {  // JSON has no such number
      put(second, format.file("02134", "1"));
      EXPECT_EQ(kind_of([&] { read(format.inferred); }, &message), ErrorKind::kTypeMismatch);
      EXPECT_NE(message.find("'02134' is not int64"), std::string::npos) << message;
      EXPECT_EQ(read(format.named), "7|2134");
    }
  }
}

TEST_F(FileDirectory, HeadersOfLaterFilesNameTheSameColumns) {
  FileDirectoryOptions options;
  options.settle_ms = 0;
  const auto read = [&] {
    return all_of(make_file_directory_stream(local_file_system(), directory_.path(),
                                             csv_stream_format(), options));
  };
  put("1.csv", "a,b,b\n1,2,3\n");
  put("2.csv", "a,b,b\n4,5,6\n");
  EXPECT_EQ(read(), "1|4");
  for (const std::string header : {"b,a,b", "a,c,b", "a,b", "a,b,b,c"}) {
    std::filesystem::remove(directory_.file("2.csv"));
    put("2.csv", header + "\n4,5,6\n");
    std::string message;
    EXPECT_EQ(kind_of([&] { read(); }, &message), ErrorKind::kFileFormat) << header;
    EXPECT_NE(message.find("2.csv' has the columns"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace velaria
