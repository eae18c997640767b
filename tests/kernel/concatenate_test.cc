#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/column/builder.h"
#include "src/kernel/take.h"

namespace velaria {
namespace {

ColumnPtr texts(const std::string& begin, int count) {
  StringBuilder builder;
  for (int i = 0; i < count; ++i)
    builder.append(begin + " that is longer than a view " + std::to_string(i));
  return builder.finish();
}

ColumnPtr some_of(const ColumnPtr& column, std::vector<uint32_t> rows) {
  return take(column, rows.data(), static_cast<int64_t>(rows.size()));
}

std::vector<std::string> values_of(const ColumnPtr& column) {
  std::vector<std::string> out;
  for (int64_t i = 0; i < column->length(); ++i) out.push_back(column->value(i).to_sql());
  return out;
}

TEST(Concatenate, PiecesOfOneColumnShareItsOwners) {
  const ColumnPtr whole = texts("a", 20);
  std::vector<ColumnPtr> pieces;
  for (uint32_t i = 0; i < 10; ++i) pieces.push_back(some_of(whole, {2 * i, 2 * i + 1}));
  const ColumnPtr joined = concatenate(pieces);
  EXPECT_EQ(joined->owners(), whole->owners());
  EXPECT_EQ(values_of(joined), values_of(whole));
}

TEST(Concatenate, PiecesOfSeveralColumnsKeepAllOwners) {
  std::vector<std::string> expected;
  ColumnPtr joined;
  {
    const ColumnPtr a = texts("a", 3);
    const ColumnPtr b = texts("b", 3);
    auto indices = Buffer::allocate(2 * sizeof(uint32_t));
    auto* index = reinterpret_cast<uint32_t*>(indices->mutable_data());
    index[0] = 2;
    index[1] = 0;
    const ColumnPtr coded = Column::dictionary(texts("c", 3), 2, std::move(indices), 0, Validity());
    const std::vector<ColumnPtr> pieces{some_of(a, {1}), coded, some_of(b, {0, 2}),
                                        some_of(a, {0})};
    for (const ColumnPtr& piece : pieces) {
      for (const std::string& value : values_of(piece)) expected.push_back(value);
    }
    joined = concatenate(pieces);
  }
  ASSERT_TRUE(joined->owners());
  EXPECT_GE(joined->owners()->size(), 3u);
  EXPECT_EQ(values_of(joined), expected);  // of memory that is freed, if an owner is missing
}

TEST(Concatenate, CodedPiecesAloneKeepTheirOwners) {
  std::vector<ColumnPtr> pieces;
  for (const char* begin : {"a", "b"}) {
    auto indices = Buffer::allocate(sizeof(uint32_t));
    *reinterpret_cast<uint32_t*>(indices->mutable_data()) = 1;
    pieces.push_back(Column::dictionary(texts(begin, 2), 1, std::move(indices), 0, Validity()));
  }
  const ColumnPtr joined = concatenate(pieces);
  pieces.clear();
  ASSERT_TRUE(joined->owners());
  EXPECT_EQ(joined->owners()->size(), 2u);
}

// Columns that nobody reads cost nothing.
TEST(Concatenate, ChunksKeepNullConstants) {
  const DataType kText(TypeId::kUtf8);
  std::vector<Chunk> chunks(3);
  for (size_t i = 0; i < chunks.size(); ++i) {
    chunks[i].rows = 2;
    chunks[i].columns = {texts("a", 2), Column::nulls(kText, 2),
                         i == 1 ? texts("b", 2) : Column::nulls(kText, 2)};
  }
  chunks[2].selection = std::make_shared<Selection>(Selection{1});
  const Chunk joined = concatenate_chunks(chunks, {kText, kText, kText});
  EXPECT_EQ(joined.rows, 5);
  EXPECT_TRUE(joined.columns[0]->is_flat());
  EXPECT_TRUE(joined.columns[1]->is_constant());
  EXPECT_TRUE(joined.columns[2]->is_flat());
  for (const ColumnPtr& column : joined.columns) ASSERT_EQ(column->length(), 5);
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_FALSE(joined.columns[0]->is_null(i));
    EXPECT_TRUE(joined.columns[1]->is_null(i));
    EXPECT_EQ(joined.columns[2]->is_null(i), i < 2 || i == 4);
  }
}

}  // namespace
}  // namespace velaria
