// Conditions over files: columns are decoded for the rows that are kept only. The oracle is the
// same table in memory, where nothing is decoded.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/io/csv/csv_source.h"
#include "src/io/file_list_source.h"
#include "src/io/json/json_source.h"
#include "src/session/dataflow_session.h"

namespace velaria {
namespace {

uint64_t test_seed() {
  const char* text = std::getenv("VELARIA_TEST_SEED");
  return text == nullptr ? 20261129 : std::strtoull(text, nullptr, 10);
}

std::string put(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

// Lets every n-th row of a batch through, looking at the request's first column.
class EveryNth : public ScanFilter {
 public:
  explicit EveryNth(uint32_t n) : n_(n) {}
  const std::vector<size_t>& columns() const override { return columns_; }
  void select(const Chunk& chunk, std::vector<uint32_t>* rows) const override {
    EXPECT_EQ(chunk.columns[0]->length(), chunk.rows);
    EXPECT_EQ(chunk.columns[1], nullptr);
    for (uint32_t row = 0; row < chunk.rows; row += n_) rows->push_back(row);
  }

 private:
  const uint32_t n_;
  const std::vector<size_t> columns_ = {0};
};

TEST(FilterWhileDecoding, SourcesGiveTheRowsThatAreKept) {
  std::string csv = "a,b\n";
  std::string json;
  for (int i = 0; i < 1000; ++i) {
    csv += concat(i, ",", i, ".5\n");
    json += concat("{\"a\":", i, ",\"b\":", i, ".5}\n");
  }
  const auto files = local_file_system();
  const std::string csv_path = put("kept.csv", csv);
  CsvOptions named;
  named.input.filename_column = "file";
  const TableSourcePtr sources[] = {open_csv(files, csv_path),
                                    open_csv_files(files, {csv_path}, named).source,
                                    open_json(files, put("kept.jsonl", json))};
  for (const TableSourcePtr& source : sources) {
    SCOPED_TRACE(source->describe());
    const auto scan = dynamic_cast<const FilteringSource&>(*source).scan_filtered(
        {{0, 1}, 100, 1}, std::make_shared<EveryNth>(50));
    const auto task = scan->new_task();
    Chunk chunk;
    int64_t next = 0;
    while (task->next(&chunk)) {
      ASSERT_EQ(chunk.rows, 2);
      for (int64_t row = 0; row < 2; ++row, next += 50) {
        EXPECT_EQ(chunk.columns[0]->value(row).as_int64(), next);
        EXPECT_EQ(chunk.columns[1]->value(row).to_string(), concat(next, ".5"));
      }
    }
    EXPECT_EQ(next, 1000);
  }
}

std::string rows_of(const DataFrame& frame) { return frame.to_text(100000); }

TEST(FilterWhileDecoding, RandomConditionsGiveTheRowsOfATableInMemory) {
  std::mt19937_64 random(test_seed());
  SCOPED_TRACE(concat("VELARIA_TEST_SEED=", test_seed()));
  std::string csv = "id,k,x,t,d\n";
  std::string other = "k,x,id\n";
  std::string json;
  for (int i = 0; i < 5000; ++i) {
    const uint64_t k = random() % 100;
    const std::string x = random() % 10 == 0 ? "" : concat(random() % 1000, ".25");
    const std::string t = random() % 3 == 0 ? "\"a, \"\"b\"\"\n\"" : concat("text ", k);
    csv += concat(i, ",", k, ",", x, ",", t, ",2024-01-", 10 + k % 20, "\n");
    if (i % 5 == 0) other += concat(k, ",", x, ",", i, "\n");
    json += concat("{\"id\":", i, ",\"k\":", k, x.empty() ? "" : concat(",\"x\":", x),
                   ",\"t\":\"q\\n", k, "\",\"d\":\"2024-01-", 10 + k % 20, "\"}\n");
  }
  const std::string csv_path = put("random_1.csv", csv);
  const std::string other_path = put("random_2.csv", other);
  const std::string json_path = put("random.jsonl", json);
  const std::string tables[] = {
      concat("read_csv('", csv_path, "', range_bytes => 5000)"),
      concat("read_csv('", csv_path, "', '", other_path,
             "', union_by_name => true, filename => 'f')"),
      concat("read_json('", json_path, "', range_bytes => 3000)"),
      concat("read_csv('", csv_path, "', types => 'id int64', on_error => 'skip')")};
  const std::function<std::string()> simple = [&]() -> std::string {
    const auto number = [&](uint64_t limit) { return std::to_string(random() % limit); };
    switch (random() % 7) {
      case 0: return "k = " + number(100);
      case 1: return "k < " + number(100);
      case 2: return "x IS NULL";
      case 3: return "x > " + number(1000);
      case 4: return "d = DATE '2024-01-1" + number(10) + "'";
      case 5: return "t LIKE '%" + number(10) + "'";
      default: return "id % " + std::to_string(1 + random() % 300) + " = 0";
    }
  };
  for (const size_t threads : {size_t{1}, size_t{3}}) {
    for (const int64_t chunk_rows : {int64_t{3}, int64_t{2048}}) {
      SessionOptions options;
      options.threads = threads;
      options.chunk_rows = chunk_rows;
      DataflowSession session(options);
      for (size_t i = 0; i < std::size(tables); ++i) {
        session.sql(concat("CREATE TABLE m", i, " AS SELECT * FROM ", tables[i]));
        for (int round = 0; round < 8; ++round) {
          std::string condition = simple();
          if (random() % 2 == 0) condition += (random() % 2 ? " AND " : " OR ") + simple();
          const char* columns = random() % 2 == 0 ? "*" : "x, id";
          const auto query = [&](const std::string& table) {
            return concat("SELECT ", columns, " FROM ", table, " WHERE ", condition);
          };
          ASSERT_EQ(rows_of(session.sql(query(tables[i]))),
                    rows_of(session.sql(query(concat("m", i)))))
              << query(tables[i]);
        }
      }
    }
  }
}

TEST(FilterWhileDecoding, ExplainSaysSo) {
  DataflowSession session;
  const std::string path = put("explained.csv", "a,b\n1,2\n");
  const auto plan_of = [&](const std::string& query) { return session.explain(query); };
  const std::string said = "filter (before other columns are decoded)";
  EXPECT_NE(plan_of("SELECT * FROM '" + path + "' WHERE a = 1").find(said), std::string::npos);
  EXPECT_EQ(plan_of("SELECT a FROM '" + path + "' WHERE a = 1").find(said), std::string::npos);
  session.sql("CREATE TABLE m AS SELECT * FROM '" + path + "'");
  EXPECT_EQ(plan_of("SELECT * FROM m WHERE a = 1").find(said), std::string::npos);
}

// A condition never hides that a value is not of the type that was named for its column.
TEST(FilterWhileDecoding, ErrorsDoNotDependOnConditions) {
  DataflowSession session;
  std::string csv = "a,b\n";
  for (int i = 0; i < 100; ++i) csv += concat(i, ",", i == 50 ? "word" : "7", "\n");
  const std::string path = put("typed.csv", csv);
  const std::string table = concat("read_csv('", path, "', types => 'b int64')");
  for (const char* condition : {"a = 3", "a >= 0"}) {
    try {
      session.sql(concat("SELECT * FROM ", table, " WHERE ", condition)).collect();
      ADD_FAILURE() << condition;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
      EXPECT_NE(error.message().find("'word'"), std::string::npos) << error.message();
    }
  }
}

}  // namespace
}  // namespace velaria
