// A program that embeds Velaria sees velaria/ headers and one target, nothing else.
#include "velaria/velaria.h"

#include "gtest/gtest.h"
#include "velaria/source_sink_abi.h"
#include "velaria/stream.h"

TEST(EmbeddingTest, AQuery) {
  velaria::DataflowSession session;
  session.sql("CREATE TABLE t AS SELECT * FROM (VALUES ('a', 1), ('b', 2), ('a', 3)) v(k, n)");
  const velaria::DataFrame sums = session.table("t").group_by({"k"}).agg({"sum(n) AS total"});
  const velaria::QueryResult result = sums.order_by({"k"}).collect();
  ASSERT_EQ(result.rows, 2);
  EXPECT_EQ(result.chunks[0].columns[1]->value(0).as_int64(), 4);
  EXPECT_EQ(sums.to_text(),
            "k     total\n"
            "utf8  int64\n"
            "----  -----\n"
            "a         4\n"
            "b         2\n"
            "(2 rows)\n");
}

TEST(EmbeddingTest, AnError) {
  velaria::DataflowSession session;
  try {
    session.sql("SELECT * FROM flights");
    FAIL() << "the table does not exist";
  } catch (const velaria::Error& error) {
    EXPECT_EQ(error.kind(), velaria::ErrorKind::kCatalog);
  }
}

TEST(EmbeddingTest, AStream) {
  velaria::DataflowSession session;
  auto source = std::make_shared<velaria::RealtimeStreamSource>(
      velaria::Schema({{"n", velaria::DataType(velaria::TypeId::kInt64)}}),
      velaria::RealtimeSourceOptions{});
  auto sink = std::make_shared<velaria::MemorySink>();
  session.create_temp_view("numbers", session.read_stream(source));
  session.register_stream_sink("out", sink);
  const auto query = session.startStreamSql("INSERT INTO out SELECT n * 2 AS twice FROM numbers");
  velaria::Chunk chunk;
  chunk.rows = 1;
  chunk.columns = {velaria::Column::constant(velaria::Value::int64(21), 1)};
  source->push({chunk});
  source->close_input();
  EXPECT_EQ(query->await_termination(), 1u);
  ASSERT_EQ(sink->rows(), 1);
  EXPECT_EQ(sink->chunks()[0].columns[0]->value(0).as_int64(), 42);
  EXPECT_EQ(query->progress().status, "stopped");
}

TEST(EmbeddingTest, ThePlainCInterface) {
  VelariaSource source = {};
  source.abi_version = VELARIA_STREAM_ABI_VERSION + 1;
  source.struct_size = sizeof(source);
  EXPECT_THROW(velaria::import_stream_source(&source), velaria::Error);
}
