#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <thread>

#include "src/base/error.h"
#include "src/column/arrow/export.h"
#include "src/column/builder.h"
#include "src/io/memory/arrow_table_source.h"
#include "src/io/memory/memory_table_source.h"

namespace velaria {
namespace {

const Schema kSchema({{"n", DataType(TypeId::kInt64)},
                      {"t", DataType(TypeId::kUtf8)},
                      {"v", DataType::vector(2)}});

// Chunks of these sizes, with rows numbered through.
std::vector<Chunk> numbered(const std::vector<int64_t>& sizes) {
  std::vector<Chunk> out;
  int64_t row = 0;
  for (const int64_t size : sizes) {
    FixedBuilder<int64_t> numbers(DataType(TypeId::kInt64));
    StringBuilder texts;
    VectorBuilder vectors(DataType::vector(2));
    for (int64_t i = 0; i < size; ++i, ++row) {
      numbers.append(row);
      texts.append("row number " + std::to_string(row));
      const float elements[2] = {static_cast<float>(row), 1};
      vectors.append(elements);
    }
    Chunk chunk;
    chunk.columns = {numbers.finish(), texts.finish(), vectors.finish()};
    chunk.rows = size;
    out.push_back(chunk);
  }
  return out;
}

TableSourcePtr arrow_source(const std::vector<int64_t>& sizes) {
  ArrowArrayStream stream;
  export_stream(kSchema, numbered(sizes), &stream);
  return std::make_shared<const ArrowTableSource>(import_stream(&stream));
}

TableSourcePtr memory_source(const std::vector<int64_t>& sizes) {
  return std::make_shared<const MemoryTableSource>(kSchema, numbered(sizes));
}

std::vector<TableSourcePtr> both(const std::vector<int64_t>& sizes) {
  return {arrow_source(sizes), memory_source(sizes)};
}

// All chunks by their order, pulled by `tasks` threads.
std::map<uint64_t, Chunk> pull(const TableSource& source, ScanRequest request, size_t tasks) {
  request.tasks = tasks;
  const auto scan = source.scan(request);
  std::map<uint64_t, Chunk> out;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < tasks; ++t) {
    threads.emplace_back([&] {
      const auto task = scan->new_task();
      Chunk chunk;
      uint64_t last = 0;
      bool first = true;
      while (task->next(&chunk)) {
        EXPECT_TRUE(first || chunk.order > last);
        first = false;
        last = chunk.order;
        EXPECT_GT(chunk.rows, 0);
        EXPECT_LE(chunk.rows, request.chunk_rows);
        EXPECT_EQ(chunk.selection, nullptr);
        const std::lock_guard<std::mutex> lock(mutex);
        EXPECT_TRUE(out.emplace(chunk.order, chunk).second) << "order " << chunk.order;
      }
      EXPECT_FALSE(task->next(&chunk));
    });
  }
  for (std::thread& thread : threads) thread.join();
  return out;
}

TEST(TableSource, EveryRowOnceInOrderForAnyNumberOfTasks) {
  for (const TableSourcePtr& source : both({5, 1, 0, 100, 3, 64})) {
    EXPECT_EQ(source->known_rows(), 173);
    for (const int64_t chunk_rows : {1, 3, 64, 2048}) {
      ScanRequest request;
      request.columns = {1, 0};
      request.chunk_rows = chunk_rows;
      std::vector<uint64_t> orders;
      for (const size_t tasks : {1, 2, 5}) {
        int64_t row = 0;
        std::vector<uint64_t> seen;
        for (const auto& [order, chunk] : pull(*source, request, tasks)) {
          seen.push_back(order);
          ASSERT_EQ(chunk.columns.size(), 2u);
          for (int64_t i = 0; i < chunk.rows; ++i, ++row) {
            ASSERT_EQ(chunk.columns[1]->value(i).as_int64(), row);
            ASSERT_EQ(chunk.columns[0]->value(i).as_text(), "row number " + std::to_string(row));
          }
        }
        EXPECT_EQ(row, 173);
        if (orders.empty()) orders = seen;
        EXPECT_EQ(seen, orders);
      }
    }
  }
}

TEST(TableSource, WithoutColumnsRowsAreStillCounted) {
  for (const TableSourcePtr& source : both({5, 1, 100})) {
    ScanRequest request;
    request.chunk_rows = 7;
    int64_t rows = 0;
    for (const auto& [order, chunk] : pull(*source, request, 2)) {
      EXPECT_TRUE(chunk.columns.empty());
      rows += chunk.rows;
    }
    EXPECT_EQ(rows, 106);
  }
}

TEST(TableSource, EmptyTables) {
  for (const TableSourcePtr& source : both({})) {
    EXPECT_EQ(source->schema(), kSchema);
    EXPECT_EQ(source->known_rows(), 0);
    ScanRequest request;
    request.columns = {0};
    EXPECT_TRUE(pull(*source, request, 2).empty());
  }
}

TEST(TableSource, ScanOutlivesTheSource) {
  for (TableSourcePtr source : both({10})) {
    ScanRequest request;
    request.columns = {1};
    auto scan = source->scan(request);
    const auto task = scan->new_task();
    scan.reset();
    source.reset();
    Chunk chunk;
    ASSERT_TRUE(task->next(&chunk));
    EXPECT_EQ(chunk.columns[0]->value(9).as_text(), "row number 9");
  }
}

TEST(TableSource, CancelledScanStops) {
  for (const TableSourcePtr& source : both({10})) {
    CancellationToken token;
    ScanRequest request;
    request.chunk_rows = 2;
    request.cancellation = &token;
    const auto scan = source->scan(request);
    const auto task = scan->new_task();
    Chunk chunk;
    ASSERT_TRUE(task->next(&chunk));
    token.cancel();
    EXPECT_THROW(task->next(&chunk), Error);
  }
}

TEST(TableSource, ColumnBlocksAreTheWholeColumnWhereItLies) {
  const auto arrow = std::static_pointer_cast<const ArrowTableSource>(arrow_source({4, 3}));
  const std::vector<ColumnPtr> blocks = arrow->column_blocks(2);
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[1]->vector_at(2)[0], 6);
  EXPECT_EQ(arrow->column_blocks(2)[1]->vector_at(0), blocks[1]->vector_at(0));
  const auto memory = std::static_pointer_cast<const MemoryTableSource>(memory_source({4, 0, 3}));
  EXPECT_EQ(memory->column_blocks(2).size(), 2u);
}

TEST(TableSource, SmallChunksAreHandedOnAsTheyAre) {
  const std::vector<Chunk> chunks = numbered({4});
  const MemoryTableSource source(kSchema, chunks);
  ScanRequest request;
  request.columns = {0};
  const auto pulled = pull(source, request, 1);
  ASSERT_EQ(pulled.size(), 1u);
  EXPECT_EQ(pulled.begin()->second.columns[0], chunks[0].columns[0]);
}

TEST(TableSource, SingleRow) {
  const TableSourcePtr source = single_row_source();
  EXPECT_EQ(source->known_rows(), 1);
  const auto chunks = pull(*source, ScanRequest(), 1);
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks.begin()->second.rows, 1);
  EXPECT_TRUE(chunks.begin()->second.columns.empty());
}

}  // namespace
}  // namespace velaria
