#include "src/column/arrow/export.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>

#include "src/base/error.h"
#include "src/column/arrow/import.h"
#include "tests/column/random_tables.h"

namespace velaria {
namespace {

using column_test::all_types;
using column_test::below;
using column_test::Random;
using column_test::random_column;
using column_test::random_selection;

ColumnPtr int_column(const std::vector<int64_t>& values) {
  FixedBuilder<int64_t> builder(DataType(TypeId::kInt64));
  for (const int64_t value : values) builder.append(value);
  return builder.finish();
}

ColumnPtr text_column(const std::vector<std::string>& values) {
  StringBuilder builder;
  for (const std::string& value : values) builder.append(value);
  return builder.finish();
}

Chunk chunk_of(std::vector<ColumnPtr> columns, int64_t rows) {
  Chunk chunk;
  chunk.columns = std::move(columns);
  chunk.rows = rows;
  return chunk;
}

const Schema kIntSchema({{"n", DataType(TypeId::kInt64)}});
const Schema kTextSchema({{"t", DataType(TypeId::kUtf8)}});

TEST(ArrowExport, FixedWidthIsZeroCopyAtAnOffset) {
  ColumnPtr whole = int_column({1, 2, 3, 4});
  const int64_t* values = whole->values<int64_t>();
  ArrowArray array;
  export_chunk(kIntSchema, chunk_of({whole->slice(1, 3)}, 3), &array);
  whole.reset();
  ASSERT_EQ(array.n_children, 1);
  EXPECT_EQ(array.length, 3);
  const ArrowArray& child = *array.children[0];
  EXPECT_EQ(child.buffers[1], values + 1);
  EXPECT_EQ(child.buffers[0], nullptr);
  EXPECT_EQ(child.null_count, 0);
  EXPECT_EQ(child.offset, 0);
  EXPECT_EQ(static_cast<const int64_t*>(child.buffers[1])[2], 4);
  array.release(&array);
  EXPECT_EQ(array.release, nullptr);
}

TEST(ArrowExport, ChildrenMayBeMovedOutAndOutliveTheParent) {
  ArrowArray array;
  const ColumnPtr vectors = Column::constant(Value::vector({1, 2}), 2);
  export_chunk(Schema({{"n", DataType(TypeId::kInt64)}, {"v", DataType::vector(2)}}),
               chunk_of({int_column({7, 8}), vectors}, 2), &array);
  ArrowArray moved = *array.children[1];
  array.children[1]->release = nullptr;
  array.release(&array);
  EXPECT_EQ(static_cast<const float*>(moved.children[0]->buffers[1])[3], 2);
  moved.release(&moved);
}

TEST(ArrowExport, SchemaOfEveryType) {
  std::vector<Field> fields;
  for (const DataType& type : all_types()) fields.push_back({"c " + type.to_string(), type});
  const Schema schema(fields);
  ArrowSchema exported;
  export_schema(schema, &exported);
  EXPECT_EQ(ImportedSchema::read(exported)->schema(), schema);
  exported.release(&exported);
  EXPECT_EQ(exported.release, nullptr);
}

TEST(ArrowExport, NullColumnFitsEveryType) {
  ArrowArray array;
  export_chunk(kTextSchema, chunk_of({Column::nulls(DataType(), 3)}, 3), &array);
  EXPECT_EQ(array.children[0]->null_count, 3);
  EXPECT_EQ(array.children[0]->n_buffers, 3);
  array.release(&array);
  EXPECT_THROW(export_chunk(kTextSchema, chunk_of({int_column({1})}, 1), &array), Error);
}

TEST(ArrowExport, IntervalThatNanosecondsCannotHold) {
  const Schema schema({{"i", DataType(TypeId::kInterval)}});
  const ColumnPtr wide = Column::constant(Value::interval({0, 0, int64_t{1} << 62}), 1);
  ArrowArray array;
  EXPECT_THROW(export_chunk(schema, chunk_of({wide}, 1), &array), Error);
}

TEST(ArrowExport, StreamSplitsLongTexts) {
  const std::vector<std::string> texts = {"aaaa", "bbbb", "cccc", "dddd", "eeeeeeeeeeeeeee", "f"};
  Chunk chunk = chunk_of({text_column(texts)}, 6);
  chunk.selection = std::make_shared<const Selection>(Selection{0, 1, 2, 4, 5});
  ArrowArrayStream stream;
  export_stream(kTextSchema, std::vector<Chunk>{chunk}, &stream, 8);
  const ImportedTable table = import_stream(&stream);
  EXPECT_EQ(table.rows, 5);
  EXPECT_GE(table.batches.size(), 3u);
  std::string all;
  for (const ImportedArrayPtr& batch : table.batches) {
    for (int64_t i = 0; i < batch->rows(); ++i) {
      all += batch->column(0)->value(i).as_text() + "|";
    }
  }
  EXPECT_EQ(all, "aaaa|bbbb|cccc|eeeeeeeeeeeeeee|f|");
}

TEST(ArrowExport, EmptyAndZeroColumnStreamsKeepSchemaAndCount) {
  ArrowArrayStream stream;
  export_stream(kTextSchema, std::vector<Chunk>{}, &stream);
  ImportedTable table = import_stream(&stream);
  EXPECT_EQ(table.schema(), kTextSchema);
  EXPECT_EQ(table.rows, 0);
  Chunk none = chunk_of({text_column({"a"})}, 1);
  none.selection = std::make_shared<const Selection>();
  export_stream(kTextSchema, std::vector<Chunk>{none}, &stream);
  EXPECT_EQ(import_stream(&stream).rows, 0);
  ArrowArray array;
  export_chunk(kTextSchema, none, &array);
  EXPECT_EQ(array.length, 0);
  EXPECT_EQ(array.children[0]->length, 0);
  array.release(&array);
  Chunk columnless = chunk_of({}, 7);
  columnless.selection = std::make_shared<const Selection>(Selection{1, 2, 6});
  export_stream(Schema(), std::vector<Chunk>{columnless, chunk_of({}, 2)}, &stream);
  EXPECT_EQ(import_stream(&stream).rows, 5);
}

TEST(ArrowExport, FailureMidwayBecomesCodeAndText) {
  struct Case {
    std::function<void()> fail;
    int code;
    const char* text;
  };
  const Case cases[] = {
      {[] { throw Error(ErrorKind::kTypeMismatch, "row 3 is bad"); }, EINVAL,
       "TypeMismatchError: row 3 is bad"},
      {[] { throw Error(ErrorKind::kCancelled, "stopped"); }, ECANCELED, "stopped"},
      {[] { throw Error(ErrorKind::kResource, "full"); }, ENOMEM, "full"},
      {[] { throw std::runtime_error("something else"); }, EIO, "something else"},
  };
  for (const Case& one : cases) {
    int calls = 0;
    ArrowArrayStream stream;
    export_stream(
        kIntSchema,
        [&](Chunk* chunk) {
          if (++calls > 1) one.fail();
          *chunk = chunk_of({int_column({1})}, 1);
          return true;
        },
        &stream);
    ArrowArray array;
    ASSERT_EQ(stream.get_next(&stream, &array), 0);
    EXPECT_EQ(stream.get_last_error(&stream), nullptr);
    array.release(&array);
    EXPECT_EQ(stream.get_next(&stream, &array), one.code);
    EXPECT_NE(std::string(stream.get_last_error(&stream)).find(one.text), std::string::npos);
    EXPECT_EQ(stream.get_next(&stream, &array), one.code);  // and not as if it were the end
    EXPECT_EQ(calls, 2);
    stream.release(&stream);
    EXPECT_EQ(stream.release, nullptr);
  }
}

TEST(ArrowExport, LazyStreamCallsNextOnlyWhenPulledAndStopsAtTheEnd) {
  int calls = 0;
  auto alive = std::make_shared<int>(0);
  ArrowArrayStream stream;
  export_stream(
      kIntSchema,
      [&calls, alive](Chunk* chunk) {
        if (++calls == 3) return false;
        *chunk = chunk_of({int_column({calls})}, 1);
        return true;
      },
      &stream);
  EXPECT_EQ(calls, 0);
  ArrowStreamReader reader(&stream);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(reader.next()->column(0)->value(0).as_int64(), 1);
  EXPECT_EQ(calls, 1);
  EXPECT_NE(reader.next(), nullptr);
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(alive.use_count(), 2);
}

// import(export(x)) == x for tables of every type, encoding, offset and selection.
TEST(ArrowRoundtrip, RandomTables) {
  const char* given = std::getenv("VELARIA_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("VELARIA_TEST_SEED=" + std::to_string(seed));
  std::printf("VELARIA_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  std::vector<Field> fields;
  for (const DataType& type : all_types()) fields.push_back({type.to_string(), type});
  const Schema schema(fields);
  for (int round = 0; round < 60; ++round) {
    std::vector<Chunk> chunks;
    for (int64_t c = below(random, 4); c > 0; --c) {
      const int64_t rows = below(random, random() % 5 == 0 ? 700 : 40);
      Chunk chunk;
      chunk.rows = rows;
      for (const Field& field : fields) {
        chunk.columns.push_back(random_column(field.type, rows, random));
      }
      chunk.selection = random_selection(rows, random);
      chunks.push_back(chunk);
    }
    ArrowArrayStream stream;
    const bool split = random() % 2 == 0;
    export_stream(schema, chunks, &stream, split ? 100 : kArrowTextLimitBytes);
    const ImportedTable table = import_stream(&stream);
    ASSERT_EQ(table.schema(), schema);
    size_t batch = 0;
    int64_t offset = 0;
    for (const Chunk& chunk : chunks) {
      for (int64_t i = 0; i < chunk.selected_rows(); ++i) {
        const int64_t row = chunk.selection ? (*chunk.selection)[static_cast<size_t>(i)] : i;
        ASSERT_LT(batch, table.batches.size());
        for (size_t c = 0; c < fields.size(); ++c) {
          const ColumnPtr one = table.batches[batch]->column(c, offset, 1);
          ASSERT_EQ(one->value(0), chunk.columns[c]->value(row))
              << fields[c].name << " " << one->value(0).to_string();
        }
        if (++offset == table.batches[batch]->rows()) {
          ++batch;
          offset = 0;
        }
      }
    }
    ASSERT_EQ(batch, table.batches.size());
  }
}

}  // namespace
}  // namespace velaria
