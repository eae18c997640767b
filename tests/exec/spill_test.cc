#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/exec/spill/partitioned_rows.h"
#include "src/exec/spill/sorted_runs.h"
#include "src/kernel/take.h"
#include "tests/column/nested_values.h"

namespace velaria {
namespace {

const DataType kInt(TypeId::kInt64);
const DataType kText(TypeId::kUtf8);

std::vector<DataType> all_types() {
  return {DataType(TypeId::kNull),     DataType(TypeId::kBool),
          DataType(TypeId::kInt8),     DataType(TypeId::kUInt16),
          DataType(TypeId::kInt32),    DataType(TypeId::kInt64),
          DataType(TypeId::kFloat32),  DataType(TypeId::kFloat64),
          DataType::decimal(38, 4),    DataType(TypeId::kDate32),
          DataType(TypeId::kUtf8),     DataType(TypeId::kBinary),
          DataType(TypeId::kInterval), DataType::timestamp(TimeUnit::kNano, "Asia/Tokyo"),
          DataType::vector(3),         column_test::int_list_type()};
}

Value random_value(const DataType& type, std::mt19937_64& random) {
  const auto number = static_cast<int64_t>(random() % 200) - 100;
  switch (type.id()) {
    case TypeId::kNull: return Value();
    case TypeId::kBool: return Value::boolean(number > 0);
    case TypeId::kUInt16:
      return Value::unsigned_integral(type, static_cast<uint64_t>(number + 100));
    case TypeId::kFloat32:
    case TypeId::kFloat64:
      return Value::floating(type, number == 7 ? std::numeric_limits<double>::quiet_NaN()
                                               : static_cast<double>(number) / 4);
    case TypeId::kDecimal128: return Value::decimal(type, Int128(number) * 1000000007);
    case TypeId::kUtf8:
      return Value::utf8(std::string(random() % 40, 'x') + std::to_string(number));
    case TypeId::kBinary: return Value::binary(std::string(random() % 40, '\0'));
    case TypeId::kInterval: return Value::interval({1, 2, number});
    case TypeId::kFixedSizeList: return Value::vector({1.0f, static_cast<float>(number), 0.0f});
    case TypeId::kNested:
      return column_test::int_list(
          std::vector<int32_t>(random() % 40, static_cast<int32_t>(number)));
    default: return Value::integral(type, number);
  }
}

ColumnPtr random_column(const DataType& type, int64_t rows, std::mt19937_64& random) {
  if (type.is_null()) return Column::nulls(type, rows);
  const auto builder = ColumnBuilder::make(type);
  const bool has_nulls = random() % 2 == 0;
  for (int64_t i = 0; i < rows; ++i) {
    if (has_nulls && random() % 3 == 0) {
      builder->append_null();
    } else {
      builder->append_value(random_value(type, random));
    }
  }
  return builder->finish();
}

std::shared_ptr<SpillSpace> space() { return std::make_shared<SpillSpace>(testing::TempDir()); }

std::string row_text(const Chunk& chunk, int64_t row) {
  std::string out;
  for (const ColumnPtr& column : chunk.columns) out += column->value(row).to_string() + "|";
  return out;
}

TEST(SpillFileTest, EveryTypeComesBackAsItWas) {
  std::mt19937_64 random(1);
  for (const int64_t rows : {1, 63, 64, 65, 2048, 4096}) {
    Chunk chunk;
    chunk.rows = rows;
    for (const DataType& type : all_types()) {
      chunk.columns.push_back(random_column(type, rows + 5, random)->slice(5, rows));
    }
    SpillFile file(space(), "rows", all_types());
    std::vector<SpillFrame> frames;
    file.write(chunk, &frames);
    int64_t at = 0;
    for (const SpillFrame& frame : frames) {
      EXPECT_LE(frame.size_bytes, 2u * SpillFile::kFrameBytes);
      const Chunk back = file.read(frame);
      ASSERT_EQ(back.rows, frame.rows);
      for (int64_t row = 0; row < back.rows; ++row, ++at) {
        ASSERT_EQ(row_text(back, row), row_text(chunk, at));
      }
    }
    EXPECT_EQ(at, rows);
    EXPECT_GT(file.space()->written_bytes(), 0u);
  }
}

TEST(SpillFileTest, ConstantsAndDictionariesComeBack) {
  StringBuilder words;
  words.append("a word that is longer than twelve bytes");
  words.append("b");
  auto indices = Buffer::allocate(3 * sizeof(uint32_t));
  const uint32_t numbers[] = {1, 0, 1};
  std::memcpy(indices->mutable_data(), numbers, sizeof(numbers));
  Chunk chunk;
  chunk.rows = 3;
  chunk.columns = {Column::constant(Value::utf8("c"), 3),
                   Column::dictionary(words.finish(), 3, indices, 0, Validity()),
                   Column::nulls(kInt, 3)};
  SpillFile file(space(), "rows", {kText, kText, kInt});
  std::vector<SpillFrame> frames;
  file.write(chunk, &frames);
  ASSERT_EQ(frames.size(), 1u);
  const Chunk back = file.read(frames[0]);
  for (int64_t row = 0; row < 3; ++row) EXPECT_EQ(row_text(back, row), row_text(chunk, row));
}

TEST(SpillFileTest, ATextLargerThanAFrameIsAFrame) {
  StringBuilder texts;
  for (int i = 0; i < 3; ++i) texts.append(std::string(1 << 20, static_cast<char>('a' + i)));
  Chunk chunk;
  chunk.rows = 3;
  chunk.columns = {texts.finish()};
  SpillFile file(space(), "rows", {kText});
  std::vector<SpillFrame> frames;
  file.write(chunk, &frames);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(file.read(frames[2]).columns[0]->value(0), chunk.columns[0]->value(2));
}

TEST(SpillFileTest, AFolderThatIsMissingIsNamed) {
  SpillFile file(std::make_shared<SpillSpace>("/no/such/folder"), "the rows of a test", {kInt});
  Chunk chunk;
  chunk.rows = 1;
  chunk.columns = {Column::constant(Value::integral(kInt, 1), 1)};
  std::vector<SpillFrame> frames;
  try {
    file.write(chunk, &frames);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFileAccess);
    EXPECT_NE(error.message().find("the rows of a test"), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("/no/such/folder"), std::string::npos) << error.message();
  }
}

// More runs than may be open at once, with ties that positions decide.
TEST(SortedRunsTest, ManyRunsMergeByKeyAndPosition) {
  std::mt19937_64 random(2);
  SortedRuns runs(space(), "rows", {kInt, kText}, {{0, true, false}});
  std::vector<std::pair<int64_t, uint64_t>> expected;
  for (int r = 0; r < 200; ++r) {
    std::vector<std::pair<int64_t, uint64_t>> rows(random() % 50);
    for (auto& row : rows) row = {static_cast<int64_t>(random() % 20), random() % 1000000};
    const auto before = [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    };
    std::sort(rows.begin(), rows.end(), before);
    FixedBuilder<int64_t> keys(kInt);
    StringBuilder texts;
    std::vector<uint64_t> positions;
    for (const auto& [key, position] : rows) {
      keys.append(key);
      texts.append("the text of row " + std::to_string(position));
      positions.push_back(position);
    }
    Chunk chunk;
    chunk.rows = static_cast<int64_t>(rows.size());
    chunk.columns = {keys.finish(), texts.finish()};
    SortedRuns::Run run;
    runs.append(chunk, positions, &run);
    runs.add(std::move(run));
    expected.insert(expected.end(), rows.begin(), rows.end());
    std::sort(expected.begin(), expected.end(), before);
  }
  runs.merge_down(ExecutionContext());
  EXPECT_LE(runs.runs(), 64u);
  ASSERT_EQ(runs.rows(), static_cast<int64_t>(expected.size()));
  ScanRequest request;
  request.columns = {1, 0};
  request.chunk_rows = 7;
  const auto scan = runs.scan(request, 10, 1000);
  const auto task = scan->new_task();
  size_t at = 10;
  Chunk chunk;
  for (uint64_t order = 0; task->next(&chunk); ++order) {
    EXPECT_EQ(chunk.order, order);
    for (int64_t row = 0; row < chunk.rows; ++row, ++at) {
      ASSERT_EQ(chunk.columns[1]->value(row).to_string(), std::to_string(expected[at].first));
      ASSERT_EQ(chunk.columns[0]->value(row),
                Value::utf8("the text of row " + std::to_string(expected[at].second)));
    }
  }
  EXPECT_EQ(at, 1000u);
}

TEST(PartitionedRowsTest, EqualKeysMeetInOnePart) {
  FixedBuilder<double> keys{DataType(TypeId::kFloat64)};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double key : {0.0, -0.0, nan, -nan, 1.5, 1.5}) keys.append(key);
  std::vector<std::vector<uint32_t>> rows_of;
  partition_by_keys({keys.finish()}, 6, &rows_of);
  for (const auto& rows : rows_of) {
    for (const uint32_t row : rows) {
      const uint32_t other = row ^ 1u;
      EXPECT_TRUE(std::find(rows.begin(), rows.end(), other) != rows.end()) << row;
    }
  }
}

TEST(PartitionedRowsTest, IntervalsOfOneLengthHaveOneHash) {
  constexpr int64_t kHourMicros = int64_t{3600} * 1000000;
  FixedBuilder<Interval> keys{DataType(TypeId::kInterval)};
  for (const Interval& key :
       {Interval{1, 0, 0}, Interval{0, 30, 0}, Interval{0, 29, 24 * kHourMicros},
        Interval{2, -30, 0}, Interval{0, 1, 0}}) {
    keys.append(key);
  }
  const std::vector<uint64_t> hashes = hash_keys({keys.finish()}, 5);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(hashes[i], hashes[0]) << i;
  EXPECT_NE(hashes[4], hashes[0]);
}

}  // namespace
}  // namespace velaria
