// Golden plans: what EXPLAIN says for the queries of *.plan, compared exactly.
//
// A .plan file is SQL statements that make tables, each ended by ';' at the end of a line, then
// cases:
//
//   == filter below a projection
//   SELECT ...
//   --
//   logical
//   ...
//   optimized
//   ...
//
// Rewrite the expected parts after looking at every difference:
//   bazel build //tests/plans:plan_test && bazel-bin/tests/plans/plan_test --update tests/plans
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "src/base/text.h"
#include "src/session/dataflow_session.h"

namespace velaria {
namespace {

namespace fs = std::filesystem;

struct PlanCase {
  std::string title;
  std::string sql;
  std::string expected;
};

struct PlanFile {
  std::string head;  // everything before the first case
  std::vector<std::string> statements;
  std::vector<PlanCase> cases;
};

PlanFile read_plan_file(const fs::path& path) {
  std::ifstream in(path);
  PlanFile file;
  std::string statement;
  bool in_expected = false;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("== ", 0) == 0) {
      file.cases.push_back({line.substr(3), "", ""});
      in_expected = false;
    } else if (file.cases.empty()) {
      file.head += line + "\n";
      if (line.empty() || line[0] == '#') continue;
      statement += line + "\n";
      if (line.back() == ';') file.statements.push_back(std::move(statement));
      if (line.back() == ';') statement.clear();
    } else if (line == "--" && !in_expected) {
      in_expected = true;
    } else if (in_expected) {
      if (!line.empty()) file.cases.back().expected += line + "\n";
    } else {
      file.cases.back().sql += line + "\n";
    }
  }
  return file;
}

// Without the physical section: pipelines are not a plan's business.
std::string explain(DataflowSession& session, const std::string& sql) {
  const std::string text = session.explain(sql);
  return text.substr(0, text.find("physical\n"));
}

void make_tables(DataflowSession& session, const PlanFile& file) {
  for (const std::string& statement : file.statements) session.sql(statement);
}

class PlanTest : public testing::Test {
 public:
  PlanTest(std::string path, PlanCase plan_case)
      : path_(std::move(path)), case_(std::move(plan_case)) {}
  void TestBody() override {
    DataflowSession session;
    make_tables(session, read_plan_file(path_));
    ASSERT_FALSE(case_.expected.empty()) << path_ << ": '" << case_.title << "' expects nothing";
    EXPECT_EQ(explain(session, case_.sql), case_.expected) << path_ << ": " << case_.title;
  }

 private:
  std::string path_;
  PlanCase case_;
};

std::vector<fs::path> plan_files(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".plan") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void update(const fs::path& path) {
  const PlanFile file = read_plan_file(path);
  DataflowSession session;
  make_tables(session, file);
  std::ofstream out(path, std::ios::trunc);
  out << file.head;
  for (size_t i = 0; i < file.cases.size(); ++i) {
    const PlanCase& one = file.cases[i];
    out << (i > 0 ? "\n" : "") << "== " << one.title << "\n"
        << one.sql << "--\n"
        << explain(session, one.sql);
  }
}

int run(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const bool updating = argc > 1 && std::string(argv[1]) == "--update";
  const int folder = updating ? 2 : 1;
  if (argc <= folder) {
    std::cerr << "usage: plan_test [--update] FOLDER\n";
    return 2;
  }
  size_t cases = 0;
  for (const fs::path& path : plan_files(argv[folder])) {
    if (updating) {
      update(path);
      continue;
    }
    for (const PlanCase& one : read_plan_file(path).cases) {
      ++cases;
      testing::RegisterTest(path.stem().string().c_str(), one.title.c_str(), nullptr, nullptr,
                            __FILE__, __LINE__,
                            [=]() -> testing::Test* { return new PlanTest(path.string(), one); });
    }
  }
  if (updating) return 0;
  if (cases == 0) {
    std::cerr << "no case in " << argv[folder] << "\n";
    return 2;
  }
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace velaria

int main(int argc, char** argv) { return velaria::run(argc, argv); }
