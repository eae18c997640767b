// The same answer, bit for bit and in the same order, for every thread count, chunk size and with
// and without the optimizer.
//
// VELARIA_TEST_SEED chooses another seed, VELARIA_TEST_QUERIES another number of queries.
#include <gtest/gtest.h>

#include <cstdlib>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/memory/memory_table_source.h"
#include "src/session/dataflow_session.h"
#include "tests/property/random_sql.h"
#include "tests/slt/result_text.h"
#include "tests/slt/session_configs.h"

namespace velaria {
namespace {

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// The rows with their bits, or the kind of the error: which row fails first may differ.
std::vector<std::string> answer(DataflowSession& session, const std::string& query) {
  try {
    const QueryResult result = session.sql(query).collect();
    std::vector<std::string> rows = row_bits(result);
    rows.insert(rows.begin(), result.schema.to_string());
    return rows;
  } catch (const Error& error) {
    return {std::string(error_kind_name(error.kind()))};
  }
}

void use_table(DataflowSession& session, const RandomTable& table) {
  session.create_temp_view(
      "t", DataFrame(session.engine(),
                     ScanPlan::all_columns(
                         std::make_shared<MemoryTableSource>(table.schema, table.chunks), "t")));
}

std::string first_difference(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  size_t row = 0;
  while (row < a.size() && row < b.size() && a[row] == b[row]) ++row;
  const auto shown = [row](const std::vector<std::string>& rows) {
    return row < rows.size() ? rows[row] : std::string("(end)");
  };
  return concat("row ", row, " of ", a.size(), " and ", b.size(), "\n  ", shown(a), "\n  ",
                shown(b));
}

void expect_agreement(const RandomTable& table, const std::vector<SessionConfig>& configs,
                      RandomNumbers* random, uint64_t queries, uint64_t seed) {
  std::vector<std::unique_ptr<DataflowSession>> sessions;
  for (const SessionConfig& config : configs) {
    sessions.push_back(std::make_unique<DataflowSession>(config.options));
    use_table(*sessions.back(), table);
  }
  uint64_t answered = 0;
  for (uint64_t q = 0; q < queries; ++q) {
    const std::string query = random_query(random);
    const std::vector<std::string> expected = answer(*sessions[0], query);
    answered += expected[0].find(' ') != std::string::npos ? 1 : 0;
    for (size_t c = 1; c < configs.size(); ++c) {
      const std::vector<std::string> got = answer(*sessions[c], query);
      EXPECT_EQ(expected == got, true)
          << "seed " << seed << ", query " << q << ", " << configs[0].name << " and "
          << configs[c].name << " differ:\n"
          << query << "\n"
          << first_difference(expected, got);
    }
  }
  // A grammar that only makes errors would prove nothing.
  EXPECT_GT(answered * 10, queries * 7) << answered << " of " << queries << " gave rows";
}

TEST(ConfigAgreementTest, SmallTables) {
  const uint64_t seed = number_from_environment("VELARIA_TEST_SEED", 20130101);
  const uint64_t queries = number_from_environment("VELARIA_TEST_QUERIES", 60);
  std::cout << "VELARIA_TEST_SEED=" << seed << "\n";
  RandomNumbers random(seed);
  for (const int64_t rows : {0, 1, 2, 7, 64, 300}) {
    SCOPED_TRACE(concat(rows, " rows"));
    expect_agreement(random_table(&random, rows), session_configs(), &random, queries, seed);
  }
}

TEST(ConfigAgreementTest, TableForManyTasks) {
  const uint64_t seed = number_from_environment("VELARIA_TEST_SEED", 20130102);
  const uint64_t queries = number_from_environment("VELARIA_TEST_QUERIES", 30);
  std::cout << "VELARIA_TEST_SEED=" << seed << "\n";
  RandomNumbers random(seed);
  SessionConfig four{"4_threads", {}};
  four.options.threads = 4;
  SessionConfig odd{"3_threads_chunk_1000", {}};
  odd.options.threads = 3;
  odd.options.chunk_rows = 1000;
  const std::vector<SessionConfig> usual = session_configs();
  expect_agreement(random_table(&random, 80000), {usual[0], four, odd, usual[5]}, &random, queries,
                   seed);
}

}  // namespace
}  // namespace velaria
