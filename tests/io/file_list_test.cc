#include "src/io/file_list.h"

#include <cstdlib>
#include <filesystem>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/io/csv/csv_source.h"
#include "src/io/file_list_source.h"
#include "src/io/json/json_source.h"
#include "src/io/line/line_source.h"
#include "src/io/probe/probe.h"
#include "tests/io/compressed_testing.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

class FileList : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "list_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern + "/";
  }
  void put(const std::string& name, std::string_view content) {
    files_->make_directories(directory_of(folder_ + name));
    auto file = files_->create(folder_ + name);
    file->write(content);
    file->close();
  }
  std::vector<std::string> expand(const std::vector<std::string>& patterns) {
    std::vector<std::string> full;
    for (const std::string& pattern : patterns) full.push_back(folder_ + pattern);
    std::vector<std::string> out;
    for (const std::string& path : expand_paths(*files_, full)) {
      out.push_back(path.substr(folder_.size()));
    }
    return out;
  }
  TableSourcePtr open(const std::vector<std::string>& names, const CsvOptions& options = {}) {
    std::vector<std::string> full;
    for (const std::string& name : names) full.push_back(folder_ + name);
    return open_csv_files(files_, full, options).source;
  }

  std::shared_ptr<FileSystem> files_ = local_file_system();
  std::string folder_;
};

using Names = std::vector<std::string>;

TEST_F(FileList, Patterns) {
  for (const char* name : {"b.csv", "a.csv", "a.txt", ".hidden.csv", "x/c.csv", "x/y/d.csv",
                           "[1].csv", "z/_tmp", "z/1.csv", "z/2.csv.gz"}) {
    put(name, "n\n1\n");
  }
  EXPECT_EQ(expand({"*.csv"}), (Names{"[1].csv", "a.csv", "b.csv"}));
  EXPECT_EQ(expand({"?.csv"}), (Names{"a.csv", "b.csv"}));
  EXPECT_EQ(expand({"[ab].csv"}), (Names{"a.csv", "b.csv"}));
  EXPECT_EQ(expand({"[!b].*"}), (Names{"a.csv", "a.txt"}));
  EXPECT_EQ(expand({"[1].csv"}), (Names{"[1].csv"}));  // it exists
  EXPECT_EQ(expand({"*/*.csv"}), (Names{"x/c.csv", "z/1.csv"}));
  EXPECT_EQ(expand({"**/*.csv"}),
            (Names{"[1].csv", "a.csv", "b.csv", "x/c.csv", "x/y/d.csv", "z/1.csv"}));
  EXPECT_EQ(expand({"x/**"}), (Names{"x/c.csv", "x/y/d.csv"}));
  EXPECT_EQ(expand({".*.csv"}), (Names{".hidden.csv"}));
  EXPECT_EQ(expand({"b.csv", "a*.csv", "b.csv"}), (Names{"b.csv", "a.csv", "b.csv"}));
  EXPECT_EQ(expand({"z"}), (Names{"z/1.csv", "z/2.csv.gz"}));
  EXPECT_EQ(expand({"none.csv"}), (Names{"none.csv"}));  // for who opens it to complain about
  expect_error(error_of([&] { expand({"none*.csv"}); }), ErrorKind::kFileAccess,
               {"no file matches", "none*.csv"});
  expect_error(error_of([&] { expand({""}); }), ErrorKind::kFileAccess,
               {"is a directory", "several kinds", "*.csv"});
  expect_error(error_of([&] { expand_paths(*files_, {}); }), ErrorKind::kInvalidArgument, {});
  EXPECT_TRUE(matches_pattern("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(matches_pattern("a*b*c", "aXbYbZ"));
  EXPECT_TRUE(matches_pattern("[", "["));
  EXPECT_TRUE(matches_pattern("[]a]", "]"));
  EXPECT_FALSE(matches_pattern(std::string(50, '*') + "x", std::string(5000, 'a')));
}

TEST_F(FileList, RowsComeInTheOrderOfTheFiles) {
  std::vector<std::string> names;
  TextRows expected;
  int n = 0;
  for (int file = 0; file < 23; ++file) {
    std::string text = "id,name\n";
    for (int row = 0; row < (file % 5) * 400; ++row, ++n) {
      text += concat(n, ",some longer text ", n, "\n");
      expected.push_back({concat(n), concat("some longer text ", n)});
    }
    const std::string name = concat("part", file + 10, ".csv");
    put(name, file % 3 == 0 ? gzip(text) : file % 3 == 1 ? zstd(text) : text);
    names.push_back(name);
  }
  CsvOptions options;
  options.range_bytes = 3000;
  const auto source = open({"part*.csv"}, options);
  EXPECT_EQ(source->schema().to_string(), "id int64, name utf8");
  EXPECT_EQ(source->known_rows(), static_cast<int64_t>(expected.size()));
  for (const size_t tasks : {size_t{1}, size_t{2}, size_t{7}}) {
    for (const int64_t chunk_rows : {int64_t{3}, kDefaultChunkRows}) {
      ASSERT_EQ(read_all(*source, chunk_rows, tasks), expected) << tasks << " " << chunk_rows;
    }
  }
  EXPECT_EQ(read_rows(*source, {}).size(), expected.size());
  EXPECT_EQ(read_all(*open(names, options)), expected);
}

TEST_F(FileList, FileNames) {
  put("a.csv", "n,m\n1,2\n");
  put("b.csv", "n,m\n3,4\n5,6\n");
  CsvOptions options;
  options.input.filename_column = "source";
  const auto source = open({"?.csv"}, options);
  EXPECT_EQ(source->schema().to_string(), "n int64, m int64, source utf8");
  EXPECT_EQ(
      read_rows(*source, {2, 0}),
      (TextRows{{folder_ + "a.csv", "1"}, {folder_ + "b.csv", "3"}, {folder_ + "b.csv", "5"}}));
  EXPECT_EQ(read_all(*open({"a.csv"}, options)), (TextRows{{"1", "2", folder_ + "a.csv"}}));
  options.input.filename_column = "m";
  expect_error(error_of([&] { open({"?.csv"}, options); }), ErrorKind::kInvalidArgument, {"'m'"});
}

TEST_F(FileList, TypesAreThoseOfAllFiles) {
  put("a.csv", "id,v,d,z\n1,2,2013-01-01,\n");
  put("b.csv", "id,v,d,z\n12345678901234567890,2.5,2013-01-01 05:00:00,\n");
  put("c.csv", "id,v,d,z\n007,,,5\n");
  const auto source = open({"?.csv"});
  EXPECT_EQ(source->schema().to_string(), "id utf8, v float64, d timestamp[us], z int64");
  EXPECT_EQ(read_all(*source),
            (TextRows{{"1", "2.0", "2013-01-01 00:00:00", "<null>"},
                      {"12345678901234567890", "2.5", "2013-01-01 05:00:00", "<null>"},
                      {"007", "<null>", "<null>", "5"}}));
  const ProbeResult probed = probe_file(files_, folder_ + "?.csv");
  EXPECT_EQ(probed.schema.to_string(), source->schema().to_string());
  EXPECT_EQ(probed.paths.size(), 3u);
  EXPECT_EQ(read_all(*probed.source), read_all(*source));
}

TEST_F(FileList, ColumnsByName) {
  put("a.csv", "x,y\n1,2\n");
  put("b.csv", "y,z\n3,t\n");
  expect_error(error_of([&] { open({"?.csv"}); }), ErrorKind::kFileFormat,
               {"b.csv' has the columns y, z", "a.csv' has x, y", "union_by_name"});
  CsvOptions options;
  options.input.union_by_name = true;
  options.types["z"] = DataType(TypeId::kUtf8);
  const auto source = open({"?.csv"}, options);
  EXPECT_EQ(source->schema().to_string(), "x int64, y int64, z utf8");
  EXPECT_EQ(read_all(*source), (TextRows{{"1", "2", "<null>"}, {"<null>", "3", "t"}}));
  EXPECT_EQ(read_rows(*source, {2, 1}), (TextRows{{"<null>", "2"}, {"t", "3"}}));
  options.types["zz"] = DataType(TypeId::kUtf8);
  expect_error(error_of([&] { open({"?.csv"}, options); }), ErrorKind::kInvalidArgument,
               {"'zz'", "none of the 2 files"});
}

TEST_F(FileList, JsonFilesGoByKeys) {
  put("a.jsonl", "{\"x\":1,\"y\":2}\n");
  put("b.jsonl", gzip("{\"y\":12345678901234567890,\"z\":true}\n{\"x\":null}\n"));
  JsonOptions options;
  options.input.filename_column = "file";
  const auto open_all = [&] { return open_json_files(files_, {folder_ + "*.jsonl"}, options); };
  const std::string a = folder_ + "a.jsonl";
  const std::string b = folder_ + "b.jsonl";
  const FileTable table = open_all();
  EXPECT_EQ(table.source->schema().to_string(), "x int64, y utf8, z bool, file utf8");
  const TextRows expected = {{"1", "2", "<null>", a},
                             {"<null>", "12345678901234567890", "true", b},
                             {"<null>", "<null>", "<null>", b}};
  EXPECT_EQ(read_all(*table.source), expected);
  EXPECT_EQ(read_all(*table.source, 1, 3), expected);
  EXPECT_EQ(table.source->known_rows(), 3);
  const ProbeResult probed =
      probe_files(files_, {folder_ + "*.jsonl"}, options.input, FileOpenContext());
  EXPECT_EQ(probed.final_format, "json_lines");
  EXPECT_EQ(probed.schema, table.source->schema());
  EXPECT_EQ(read_all(*probed.source), expected);
  // Columns that are named: one file may lack one, not all of them.
  options.input.filename_column.clear();
  options.columns = {{"z", std::nullopt}, {"x", DataType(TypeId::kFloat64)}};
  EXPECT_EQ(open_all().source->schema().to_string(), "z bool, x float64");
  EXPECT_EQ(read_all(*open_all().source),
            (TextRows{{"<null>", "1.0"}, {"true", "<null>"}, {"<null>", "<null>"}}));
  options.columns.push_back({"q", std::nullopt});
  expect_error(error_of([&] { open_all(); }), ErrorKind::kInvalidArgument,
               {"columns names 'q'", "no object of the 2 files"});
  options.columns.clear();
  options.types["z"] = DataType(TypeId::kUtf8);
  EXPECT_EQ(open_all().source->schema().to_string(), "x int64, y utf8, z utf8");
  // A name in types that no file has is a column of NULLs, and perhaps a slip.
  options.types["zz"] = DataType(TypeId::kUtf8);
  const TableSourcePtr source = open_all().source;
  EXPECT_EQ(source->schema().to_string(), "x int64, y utf8, z utf8, zz utf8");
  EXPECT_EQ(read_rows(*source, {3}), (TextRows{{"<null>"}, {"<null>"}, {"<null>"}}));
  ASSERT_EQ(warnings_of(*source).size(), 1u);
  EXPECT_NE(warnings_of(*source)[0].find("'zz', which no object of the 2 files"), std::string::npos)
      << warnings_of(*source)[0];
}

TEST_F(FileList, LineFiles) {
  put("a.log", "1 x\n2 y\n");
  put("b.log", "2.5 z\nbad\n");
  put("c.log", "4 z w\n");
  LineOptions options;
  options.split_delimiter = " ";
  options.input.filename_column = "file";
  options.on_error = RowErrorPolicy::kSkip;
  const auto source = open_line_files(files_, {folder_ + "[ab].log"}, options).source;
  EXPECT_EQ(source->schema().to_string(), "column1 float64, column2 utf8, file utf8");
  EXPECT_EQ(read_rows(*source, {0, 2}), (TextRows{{"1.0", folder_ + "a.log"},
                                                  {"2.0", folder_ + "a.log"},
                                                  {"2.5", folder_ + "b.log"}}));
  ASSERT_EQ(warnings_of(*source).size(), 1u);
  EXPECT_EQ(read_all(*rejects_of(*source)).at(0).at(0), folder_ + "b.log");
  const auto open_all = [&] {
    return open_line_files(files_, {folder_ + "?.log"}, options).source;
  };
  expect_error(error_of(open_all), ErrorKind::kFileFormat,
               {"c.log' has the columns column1, column2, column3", "union_by_name"});
  options.input.union_by_name = true;
  EXPECT_EQ(read_rows(*open_all(), {2}), (TextRows{{"<null>"}, {"<null>"}, {"<null>"}, {"w"}}));
}

TEST_F(FileList, RejectsAndWarningsNameTheirFile) {
  put("a.csv", "x,y\n1,2\n3\n");
  put("b.csv", "x,y\n1\n");
  CsvOptions options;
  options.on_error = RowErrorPolicy::kSkip;
  const auto source = open({"?.csv"}, options);
  EXPECT_EQ(read_all(*source).size(), 1u);
  ASSERT_EQ(warnings_of(*source).size(), 2u);
  EXPECT_NE(warnings_of(*source)[1].find("b.csv"), std::string::npos);
  const TextRows rejects = read_all(*rejects_of(*source));
  ASSERT_EQ(rejects.size(), 2u);
  EXPECT_EQ(rejects[0][0], folder_ + "a.csv");
  EXPECT_EQ(rejects[1][0], folder_ + "b.csv");
}

TEST_F(FileList, TheFirstFilesDefectIsReported) {
  for (int i = 10; i < 40; ++i)
    put(concat(i, ".csv"), i == 17 || i == 33 ? "a,b\n1\n" : "a,b\n1,2\n");
  for (const size_t tasks : {size_t{1}, size_t{4}}) {
    FileOpenContext context;
    context.tasks = tasks;
    expect_error(error_of([&] { open_csv_files(files_, {folder_ + "*.csv"}, {}, context); }),
                 ErrorKind::kFileFormat, {"17.csv':2:1"});
  }
}

TEST_F(FileList, AFileThatVanishesIsAnError) {
  put("a.csv", "n\n1\n");
  put("b.csv", "n\n2\n");
  const auto source = open({"?.csv"});
  files_->remove(folder_ + "b.csv");
  expect_error(error_of([&] { read_all(*source); }), ErrorKind::kFileAccess, {"b.csv"});
}

TEST_F(FileList, FoldersTooDeepAreAnErrorAndNotLeftOut) {
  std::string deep;
  for (int i = 0; i < 64; ++i) deep += "d/";
  put(deep + "a.csv", "n\n1\n");
  EXPECT_EQ(expand({"**/*.csv"}), (Names{deep + "a.csv"}));
  EXPECT_EQ(expand({"**"}), (Names{deep + "a.csv"}));
  put(deep + "d/b.csv", "n\n2\n");
  for (const char* pattern : {"**/*.csv", "**"}) {
    expect_error(error_of([&] { expand({pattern}); }), ErrorKind::kResource, {"64 folders deep"});
  }
}

TEST_F(FileList, LinksToFoldersAreNotFollowedByTwoStars) {
  put("sub/a.csv", "n\n1\n");
  std::filesystem::create_directory_symlink("..", folder_ + "sub/up");
  std::filesystem::create_directory_symlink("sub", folder_ + "latest");
  EXPECT_EQ(expand({"**/*.csv"}), (Names{"sub/a.csv"}));
  EXPECT_EQ(expand({"**"}), (Names{"sub/a.csv"}));
  // What is named is read, and a link to a file is a file.
  EXPECT_EQ(expand({"latest/*.csv"}), (Names{"latest/a.csv"}));
  EXPECT_EQ(expand({"*/*.csv"}), (Names{"latest/a.csv", "sub/a.csv"}));
  std::filesystem::create_symlink("a.csv", folder_ + "sub/b.csv");
  EXPECT_EQ(expand({"**/*.csv"}), (Names{"sub/a.csv", "sub/b.csv"}));
}

}  // namespace
}  // namespace velaria
