// A stream that ends gives what the batch gives: random queries, batch boundaries, thread counts
// and chunk sizes, with a restart from a checkpoint in the middle now and then.
//
// VELARIA_TEST_SEED chooses another seed, VELARIA_TEST_QUERIES another number of queries.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/memory/memory_table_source.h"
#include "src/session/dataflow_session.h"
#include "stream/connectors/arrow_stream_source.h"
#include "stream/connectors/memory_sink.h"
#include "tests/property/random_sql.h"
#include "tests/slt/result_text.h"

namespace velaria {
namespace {

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::vector<std::string> texts(const Schema& schema, std::vector<Chunk> chunks) {
  std::vector<std::string> rows = row_bits(QueryResult{schema, std::move(chunks), 0});
  rows.insert(rows.begin(), schema.to_string());
  return rows;
}

std::vector<std::string> batch_answer(DataflowSession& session, const std::string& query) {
  try {
    const QueryResult result = session.sql(query).collect();
    return texts(result.schema, result.chunks);
  } catch (const Error& error) {
    return {std::string(error_kind_name(error.kind()))};
  }
}

// The same rows cut anew, some batches empty.
std::vector<Chunk> cut_anew(const RandomTable& table, RandomNumbers* random) {
  std::vector<Chunk> out;
  for (const Chunk& chunk : table.chunks) {
    for (int64_t at = 0; at < chunk.rows;) {
      const int64_t rows = std::min(chunk.rows - at, random->below(random->one_in(4) ? 200 : 40));
      Chunk piece;
      piece.rows = rows;
      for (const ColumnPtr& column : chunk.columns)
        piece.columns.push_back(column->slice(at, rows));
      out.push_back(std::move(piece));
      at += rows;
    }
  }
  return out;
}

struct Finished {
  std::vector<std::string> rows;
  std::string output_mode;
};

Finished stream_answer(const RandomTable& table, const std::string& query, RandomNumbers* random) {
  SessionOptions options;
  options.threads = 1 + static_cast<size_t>(random->below(3));
  if (random->one_in(2)) options.chunk_rows = 1 + random->below(30);
  DataflowSession session(options);
  const std::vector<Chunk> batches = cut_anew(table, random);
  session.create_temp_view("t", session.read_stream(make_memory_stream(table.schema, batches)));
  auto sink = std::make_shared<MemorySink>();
  session.register_stream_sink("out", sink);
  Finished out;
  try {
    StreamOptions stream;
    if (random->one_in(3) && !batches.empty()) {
      const char* folder = std::getenv("TEST_TMPDIR");
      stream.checkpoint_path =
          concat(folder != nullptr ? folder : "/tmp", "/stream_agreement.ckpt");
      std::filesystem::remove(stream.checkpoint_path);
      stream.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
      stream.max_batches = 1 + static_cast<uint64_t>(random->below(3));
      auto first = std::make_shared<MemorySink>();
      session.register_stream_sink("first", first);
      const auto query_before = session.startStreamSql("INSERT INTO first " + query, stream);
      query_before->await_termination();
      stream.max_batches.reset();
      const auto started = session.startStreamSql("INSERT INTO out " + query, stream);
      started->await_termination();
      out.output_mode = started->strategy().output_mode;
      std::vector<Chunk> rows = sink->chunks();
      if (out.output_mode == "append") {
        const std::vector<Chunk> before = first->chunks();
        rows.insert(rows.begin(), before.begin(), before.end());
      }
      out.rows = texts(sink->schema(), std::move(rows));
      return out;
    }
    const auto started = session.startStreamSql("INSERT INTO out " + query, stream);
    out.output_mode = started->strategy().output_mode;
    started->await_termination();
    out.rows = texts(sink->schema(), sink->chunks());
  } catch (const Error& error) {
    out.rows = {std::string(error_kind_name(error.kind())), error.message()};
  }
  return out;
}

std::string shown(const std::vector<std::string>& rows) {
  std::string out;
  for (size_t i = 0; i < std::min<size_t>(rows.size(), 12); ++i) out += "    " + rows[i] + "\n";
  return out;
}

// The group that a row of update mode belongs to cannot be told of any query, so those are read
// through something that needs all rows: LIMIT over the groups.
TEST(StreamAgreementTest, RandomQueries) {
  const uint64_t seed = number_from_environment("VELARIA_TEST_SEED", 20130103);
  const uint64_t queries = number_from_environment("VELARIA_TEST_QUERIES", 60);
  std::cout << "VELARIA_TEST_SEED=" << seed << "\n";
  RandomNumbers random(seed);
  std::map<std::string, uint64_t> compared;
  for (const int64_t rows : {0, 1, 7, 64, 300}) {
    const RandomTable table = random_table(&random, rows);
    DataflowSession session;
    session.create_temp_view(
        "t", DataFrame(session.engine(),
                       ScanPlan::all_columns(
                           std::make_shared<MemoryTableSource>(table.schema, table.chunks), "t")));
    for (uint64_t q = 0; q < queries; ++q) {
      std::string query = random_query(&random);
      const std::vector<std::string> expected = batch_answer(session, query);
      Finished got = stream_answer(table, query, &random);
      if (got.output_mode == "update") {
        query = concat("SELECT * FROM (", query, ") AS whole LIMIT 1000000");
        got = stream_answer(table, query, &random);
      }
      if (expected.size() == 1 && expected[0].find(' ') == std::string::npos) {
        EXPECT_TRUE(got.rows[0] == "StreamError" || got.rows[0] == expected[0])
            << got.rows[0] << ": " << query;
        ++compared["failed"];
        continue;
      }
      EXPECT_NE(got.output_mode, "update") << query;
      ++compared[got.output_mode];
      EXPECT_EQ(got.rows == expected, true)
          << "seed " << seed << ", query " << q << " over " << rows << " rows:\n"
          << query << "\n  batch:\n"
          << shown(expected) << "  stream (" << got.output_mode << "):\n"
          << shown(got.rows);
    }
  }
  EXPECT_GT(compared["append"], queries / 4);
  EXPECT_GT(compared["at-end"], queries / 4);
}

}  // namespace
}  // namespace velaria
