#include "stream/workers/frame_codec.h"

#include <cstring>

#include "src/column/builder.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

Chunk through_a_frame(const std::vector<ColumnPtr>& columns, int64_t rows) {
  const FrameWriter writer(columns, rows);
  std::shared_ptr<Buffer> bytes = Buffer::allocate(writer.size_bytes());
  std::memset(bytes->mutable_data(), 0xAB, bytes->size_bytes());
  writer.write(bytes->mutable_data());
  const uint8_t* data = bytes->data();
  const size_t size = bytes->size_bytes();
  return read_frame(data, size, std::move(bytes));
}

void expect_equal(const ColumnPtr& got, const ColumnPtr& expected) {
  ASSERT_EQ(got->type(), expected->type());
  ASSERT_EQ(got->length(), expected->length());
  for (int64_t row = 0; row < got->length(); ++row) {
    ASSERT_EQ(got->is_null(row), expected->is_null(row)) << row;
    if (got->is_null(row)) continue;
    ASSERT_EQ(got->value(row), expected->value(row)) << row;
  }
}

std::vector<DataType> all_types() {
  std::vector<DataType> out;
  for (const TypeId id :
       {TypeId::kNull, TypeId::kBool, TypeId::kInt8, TypeId::kInt16, TypeId::kInt32, TypeId::kInt64,
        TypeId::kUInt8, TypeId::kUInt16, TypeId::kUInt32, TypeId::kUInt64, TypeId::kFloat32,
        TypeId::kFloat64, TypeId::kUtf8, TypeId::kBinary, TypeId::kDate32, TypeId::kTime64,
        TypeId::kInterval}) {
    out.emplace_back(id);
  }
  out.push_back(DataType::decimal(30, 4));
  out.push_back(DataType::timestamp(TimeUnit::kNano, "Asia/Shanghai"));
  out.push_back(DataType::vector(5));
  return out;
}

Value random_value(const DataType& type, std::mt19937_64& random) {
  const auto bits = static_cast<int64_t>(random());
  switch (type.id()) {
    case TypeId::kBool: return Value::boolean(bits & 1);
    case TypeId::kInt8: return Value::integral(type, static_cast<int8_t>(bits));
    case TypeId::kInt16: return Value::integral(type, static_cast<int16_t>(bits));
    case TypeId::kInt32:
    case TypeId::kDate32: return Value::integral(type, static_cast<int32_t>(bits));
    case TypeId::kUInt8: return Value::unsigned_integral(type, static_cast<uint8_t>(bits));
    case TypeId::kUInt16: return Value::unsigned_integral(type, static_cast<uint16_t>(bits));
    case TypeId::kUInt32: return Value::unsigned_integral(type, static_cast<uint32_t>(bits));
    case TypeId::kUInt64: return Value::unsigned_integral(type, static_cast<uint64_t>(bits));
    case TypeId::kFloat32:
    case TypeId::kFloat64: return Value::floating(type, static_cast<float>(bits % 1000) / 8);
    case TypeId::kDecimal128: return Value::decimal(type, Int128{bits} * 12345);
    case TypeId::kUtf8: return Value::utf8(std::string(random() % 30, 'a' + random() % 26));
    case TypeId::kBinary: return Value::binary(std::string(random() % 30, '\0'));
    case TypeId::kInterval:
      return Value::interval({static_cast<int32_t>(bits), static_cast<int32_t>(bits >> 8), bits});
    case TypeId::kFixedSizeList: return Value::vector({1, 2, static_cast<float>(bits % 99), 4, 5});
    default: return Value::integral(type, bits);
  }
}

ColumnPtr random_column(const DataType& type, int64_t rows, bool nulls, std::mt19937_64& random) {
  if (type.is_null()) return Column::nulls(type, rows);
  const std::unique_ptr<ColumnBuilder> builder = ColumnBuilder::make(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (nulls && random() % 3 == 0) {
      builder->append_null();
    } else {
      builder->append_value(random_value(type, random));
    }
  }
  return builder->finish();
}

TEST(FrameCodec, EveryTypeComesBack) {
  std::mt19937_64 random(test_seed());
  for (const DataType& type : all_types()) {
    for (const int64_t rows : {0, 1, 7, 8, 64, 65, 1000}) {
      for (const bool nulls : {false, true}) {
        SCOPED_TRACE(concat(type.to_string(), ", ", rows, " rows"));
        const ColumnPtr column = random_column(type, rows, nulls, random);
        const Chunk got = through_a_frame({column, nullptr, column}, rows);
        ASSERT_EQ(got.rows, rows);
        ASSERT_EQ(got.columns.size(), 3u);
        expect_equal(got.columns[0], column);
        EXPECT_EQ(got.columns[1], nullptr);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(FrameCodec, SlicesConstantsAndDictionaries) {
  std::mt19937_64 random(test_seed());
  for (const DataType& type : all_types()) {
    SCOPED_TRACE(type.to_string());
    const ColumnPtr column = random_column(type, 500, true, random);
    const ColumnPtr slice = column->slice(131, 77);
    expect_equal(through_a_frame({slice}, 77).columns[0], slice);
    if (type.is_null()) continue;
    const ColumnPtr constant = Column::constant(random_value(type, random), 300);
    const Chunk got = through_a_frame({constant}, 300);
    EXPECT_TRUE(got.columns[0]->is_constant());
    expect_equal(got.columns[0], constant);
    const ColumnPtr nothing = Column::constant(Value::null(type), 20);
    expect_equal(through_a_frame({nothing}, 20).columns[0], nothing);
    if (HasFatalFailure()) return;
  }
  const ColumnPtr words = random_column(DataType(TypeId::kUtf8), 10, false, random);
  std::shared_ptr<Buffer> indices = Buffer::allocate(200 * sizeof(uint32_t));
  auto* index = reinterpret_cast<uint32_t*>(indices->mutable_data());
  for (int i = 0; i < 200; ++i) index[i] = static_cast<uint32_t>(random() % 10);
  const ColumnPtr coded = Column::dictionary(words, 200, indices, 0, Validity());
  const Chunk got = through_a_frame({coded}, 200);
  EXPECT_TRUE(got.columns[0]->is_dictionary());
  expect_equal(got.columns[0], coded);
  // Of a dictionary that is larger than the rows only these are sent.
  const ColumnPtr few = coded->slice(3, 4);
  const Chunk small = through_a_frame({few}, 4);
  EXPECT_TRUE(small.columns[0]->is_flat());
  expect_equal(small.columns[0], few);
}

TEST(FrameCodec, WhatIsReadKeepsItsFrameAlive) {
  auto told = std::make_shared<int>(0);
  std::vector<ColumnPtr> columns = {Column::constant(Value::utf8("a text that is long enough"), 1)};
  columns[0] = flatten(columns[0]);
  const FrameWriter writer(columns, 1);
  std::shared_ptr<Buffer> bytes = Buffer::allocate(writer.size_bytes());
  writer.write(bytes->mutable_data());
  ColumnPtr kept;
  {
    const std::shared_ptr<const void> owner(bytes->data(), [bytes, told](const void*) { ++*told; });
    kept = read_frame(bytes->data(), bytes->size_bytes(), owner).columns[0];
  }
  EXPECT_EQ(*told, 0);
  EXPECT_EQ(kept->value(0).as_text(), "a text that is long enough");
  kept = nullptr;
  EXPECT_EQ(*told, 1);
}

TEST(FrameCodec, ATornFrameIsAnErrorAndNoCrash) {
  std::mt19937_64 random(test_seed());
  const std::vector<ColumnPtr> columns = {
      random_column(DataType(TypeId::kUtf8), 50, true, random),
      random_column(DataType(TypeId::kInt64), 50, true, random)};
  const FrameWriter writer(columns, 50);
  for (size_t size = 0; size < writer.size_bytes(); size += 1 + size / 9) {
    std::shared_ptr<Buffer> bytes = Buffer::allocate(writer.size_bytes());
    writer.write(bytes->mutable_data());
    EXPECT_THROW(read_frame(bytes->data(), size, bytes), Error) << size;
  }
}

}  // namespace
}  // namespace velaria
