// Runs SQL text tests under every session config.
//
//   bazel test //:sql_regression_test
//   bazel run //tests/slt:slt_runner -- --complete $PWD/tests/slt/limit.slt    (actual answers)
//
// Arguments are files or folders; slt_file.h has the format.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/session/dataflow_session.h"
#include "tests/slt/result_text.h"
#include "tests/slt/session_configs.h"
#include "tests/slt/slt_file.h"

namespace velaria {
namespace {

namespace fs = std::filesystem;

std::string data_folder;  // set once, before any test runs

std::string with_data_folder(std::string sql) {
  const std::string mark = "{data}";
  for (size_t at = sql.find(mark); at != std::string::npos; at = sql.find(mark)) {
    sql.replace(at, mark.size(), data_folder);
  }
  return sql;
}

bool type_fits(char letter, const DataType& type) {
  static const auto* names = new std::map<char, std::string>{
      {'I', "int64"},    {'i', "int32"},      {'s', "int16"},         {'b', "int8"},
      {'U', "uint64"},   {'u', "uint32"},     {'R', "float64"},       {'r', "float32"},
      {'B', "bool"},     {'T', "utf8"},       {'X', "binary"},        {'D', "date32"},
      {'V', "interval"}, {'M', "time64[us]"}, {'S', "timestamp[us]"}, {'Z', "timestamp[us, UTC]"}};
  if (letter == '?') return true;
  if (letter == 'N') return type.id() == TypeId::kDecimal128;
  const auto found = names->find(letter);
  return found != names->end() && found->second == type.to_string();
}

struct Answer {
  bool failed = false;
  std::string error_kind;
  std::string error_text;
  Schema schema;
  std::vector<std::string> rows;
};

Answer ask(DataflowSession& session, const SltRecord& record) {
  Answer answer;
  try {
    const QueryResult result = session.sql(with_data_folder(record.sql)).collect();
    answer.schema = result.schema;
    answer.rows = row_texts(result);
    if (record.row_sort) std::sort(answer.rows.begin(), answer.rows.end());
  } catch (const Error& error) {
    answer.failed = true;
    answer.error_kind = error_kind_name(error.kind());
    answer.error_text = error.message();
  }
  return answer;
}

std::string lines(const std::vector<std::string>& rows) {
  return rows.empty() ? "  (no rows)\n" : "  " + join_texts(rows, "\n  ") + "\n";
}

// What is wrong with the answer; empty: nothing.
std::string complaint(const SltRecord& record, const Answer& answer) {
  const std::string got_error = concat("got ", answer.error_kind, ":\n  ", answer.error_text, "\n");
  if (record.kind == SltRecord::Kind::kError) {
    if (!answer.failed) return "expected an error, got rows:\n" + lines(answer.rows);
    std::string whole = join_texts(record.expected, "\n");
    const bool kind_fits = record.error_kind.empty() || record.error_kind == answer.error_kind;
    const bool part_fits = answer.error_text.find(record.error_part) != std::string::npos;
    const bool whole_fits = !record.has_expected || whole == with_data_folder(answer.error_text);
    if (kind_fits && part_fits && whole_fits) return "";
    return concat("expected ", record.error_kind, ": ", record.error_part, "\n",
                  record.has_expected ? lines(record.expected) : "", got_error);
  }
  if (answer.failed) return got_error;
  if (record.kind == SltRecord::Kind::kOk) return "";
  bool types_fit = record.types.size() == answer.schema.size();
  for (size_t i = 0; types_fit && i < answer.schema.size(); ++i) {
    types_fit = type_fits(record.types[i], answer.schema.field(i).type);
  }
  if (!types_fit) {
    return concat("expected types ", record.types, ", got ", answer.schema.to_string(), "\n");
  }
  std::vector<std::string> expected = record.expected;
  if (record.row_sort) std::sort(expected.begin(), expected.end());
  if (expected == answer.rows) return "";
  return concat("expected\n", lines(expected), "got\n", lines(answer.rows));
}

class SltTest : public testing::Test {
 public:
  SltTest(std::string path, SessionConfig config)
      : path_(std::move(path)), config_(std::move(config)) {}

  void TestBody() override {
    DataflowSession session(config_.options);
    const std::vector<SltRecord> records = read_slt_file(path_);
    ASSERT_FALSE(records.empty()) << path_ << " holds no record";
    for (const SltRecord& record : records) {
      const std::string wrong = complaint(record, ask(session, record));
      if (!wrong.empty()) {
        ADD_FAILURE() << path_ << ":" << record.line << " [" << config_.name << "]\n"
                      << record.sql << "\n"
                      << wrong;
      }
    }
  }

 private:
  std::string path_;
  SessionConfig config_;
};

// The file again, with the rows that the engine gives.
void complete(const std::string& path) {
  DataflowSession session(session_configs()[0].options);
  for (const SltRecord& record : read_slt_file(path)) {
    const Answer answer = ask(session, record);
    std::cout << record.comment << record.head << "\n" << record.sql << "\n";
    if (answer.failed) {
      std::cout << "----\n" << answer.error_kind << ": " << answer.error_text << "\n\n";
    } else if (record.kind == SltRecord::Kind::kQuery) {
      std::cout << "----\n";
      for (const std::string& row : answer.rows) std::cout << row << "\n";
      std::cout << "\n";
    } else {
      std::cout << "\n";
    }
  }
}

std::vector<std::string> slt_files(const std::vector<std::string>& arguments) {
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    if (!fs::is_directory(argument)) {
      files.push_back(argument);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(argument)) {
      if (entry.path().extension() == ".slt") files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

int run(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto flag = std::find(arguments.begin(), arguments.end(), "--complete");
  const bool completing = flag != arguments.end();
  if (completing) arguments.erase(flag);
  const std::vector<std::string> files = slt_files(arguments);
  if (files.empty()) {
    std::cerr << "no .slt file was given\n";
    return 2;
  }
  data_folder = (fs::path(files[0]).parent_path() / "data").string();
  if (completing) {
    for (const std::string& file : files) complete(file);
    return 0;
  }
  size_t records = 0;
  for (const std::string& file : files) {
    records += read_slt_file(file).size();
    for (const SessionConfig& config : session_configs()) {
      testing::RegisterTest(fs::path(file).stem().string().c_str(), config.name.c_str(), nullptr,
                            nullptr, __FILE__, __LINE__,
                            [=]() -> testing::Test* { return new SltTest(file, config); });
    }
  }
  std::cout << files.size() << " files, " << records << " records, " << session_configs().size()
            << " configs\n";
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace velaria

int main(int argc, char** argv) {
  try {
    return velaria::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
