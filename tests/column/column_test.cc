#include "src/column/column.h"

#include <gtest/gtest.h>

#include <random>

#include "src/column/arrow/flat_rows.h"
#include "src/column/builder.h"
#include "src/column/chunk.h"
#include "src/column/string_heap.h"
#include "tests/column/random_tables.h"

namespace velaria {
namespace {

using column_test::all_types;
using column_test::below;
using column_test::Random;
using column_test::random_column;
using column_test::random_value;

TEST(ColumnBuilder, GivesBackWhatWasAppendedForEveryType) {
  Random random(1);
  for (const DataType& type : all_types()) {
    const auto builder = ColumnBuilder::make(type);
    for (int round = 0; round < 2; ++round) {  // finish() leaves an empty builder
      std::vector<Value> values;
      for (int i = 0; i < 300; ++i) {
        const Value value =
            type.is_null() || random() % 4 == 0 ? Value::null(type) : random_value(type, random);
        values.push_back(value);
        builder->append_value(value);
      }
      EXPECT_EQ(builder->length(), 300);
      const ColumnPtr column = builder->finish();
      EXPECT_EQ(builder->length(), 0);
      ASSERT_EQ(column->length(), 300);
      EXPECT_EQ(column->type(), type);
      for (int i = 0; i < 300; ++i) {
        ASSERT_EQ(column->value(i), values[static_cast<size_t>(i)]) << type.to_string();
        ASSERT_EQ(column->is_null(i), values[static_cast<size_t>(i)].is_null());
      }
    }
    EXPECT_EQ(builder->finish()->length(), 0);
  }
}

TEST(StringBuilder, BorrowedTextsKeepTheirOwner) {
  ColumnPtr column;
  {
    auto heap = std::make_shared<StringHeap>();
    StringBuilder builder;
    builder.append_borrowed(heap->add("a text longer than twelve bytes"));
    builder.append("another text longer than twelve bytes");
    builder.add_owner(heap);
    column = builder.finish();
  }
  EXPECT_EQ(column->value(0).as_text(), "a text longer than twelve bytes");
  EXPECT_EQ(column->value(1).as_text(), "another text longer than twelve bytes");
}

TEST(Column, SlicesOfSlicesOfEveryEncoding) {
  Random random(2);
  for (const DataType& type : all_types()) {
    for (int round = 0; round < 12; ++round) {
      const ColumnPtr column = random_column(type, 90, random);
      const int64_t a = below(random, 40);
      const int64_t b = below(random, 20);
      const ColumnPtr slice = column->slice(a, 50)->slice(b, 25);
      ASSERT_EQ(slice->length(), 25);
      for (int64_t i = 0; i < 25; ++i) {
        ASSERT_EQ(slice->value(i), column->value(a + b + i)) << type.to_string();
      }
      EXPECT_EQ(column->slice(90, 0)->length(), 0);
    }
  }
}

TEST(Column, ConstantsOfEveryType) {
  Random random(3);
  for (const DataType& type : all_types()) {
    const ColumnPtr nulls = Column::nulls(type, 5);
    EXPECT_TRUE(nulls->is_constant());
    EXPECT_TRUE(nulls->may_have_nulls());
    EXPECT_TRUE(nulls->value(4).is_null());
    if (type.is_null()) continue;
    const Value value = random_value(type, random);
    const ColumnPtr constant = Column::constant(value, 5);
    EXPECT_EQ(constant->type(), type);
    EXPECT_EQ(constant->value(4), value);
    EXPECT_EQ(constant->slice(3, 2)->value(1), value);
  }
}

TEST(Column, WithTypeReadsTheSameBytes) {
  FixedBuilder<int64_t> builder(DataType(TypeId::kInt64));
  builder.append(1000000);
  const ColumnPtr column = builder.finish()->with_type(DataType::timestamp(TimeUnit::kMicro));
  EXPECT_EQ(column->value(0).to_string(), "1970-01-01 00:00:01");
}

TEST(FlatRows, AnyRowsOfAnyColumn) {
  Random random(5);
  for (const DataType& type : all_types()) {
    for (int round = 0; round < 20; ++round) {
      const ColumnPtr column = random_column(type, 70, random);
      std::vector<uint32_t> rows;
      for (int64_t n = below(random, 100); n > 0; --n) {
        rows.push_back(static_cast<uint32_t>(below(random, 70)));
      }
      const auto count = static_cast<int64_t>(rows.size());
      const ColumnPtr chosen = flat_rows(column, rows.data(), count);
      ASSERT_EQ(chosen->length(), count);
      EXPECT_TRUE(chosen->is_flat() || type.is_null());
      for (int64_t i = 0; i < count; ++i) {
        ASSERT_EQ(chosen->value(i), column->value(rows[static_cast<size_t>(i)]));
      }
      const ColumnPtr head = flat_rows(column, nullptr, 33);
      ASSERT_EQ(head->length(), 33);
      for (int64_t i = 0; i < 33; ++i) ASSERT_EQ(head->value(i), column->value(i));
    }
  }
}

TEST(Chunk, SelectedRowsAndBytes) {
  Chunk chunk;
  chunk.rows = 4;
  EXPECT_EQ(chunk.selected_rows(), 4);
  chunk.selection = std::make_shared<const Selection>(Selection{1, 3});
  EXPECT_EQ(chunk.selected_rows(), 2);
  FixedBuilder<int64_t> builder(DataType(TypeId::kInt64));
  for (int i = 0; i < 4; ++i) builder.append(i);
  chunk.columns = {builder.finish()};
  EXPECT_EQ(chunk.estimated_bytes(), 32);
}

}  // namespace
}  // namespace velaria
