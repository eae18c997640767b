// Random tables -> writer -> reader are equal.
#include <cmath>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/io/csv/csv_writer.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

using Random = std::mt19937_64;

std::string random_string(Random* random) {
  static const std::vector<std::string> pieces = {"a",    "word",     "a longer piece of text",
                                                  ",",    ";;",       "\"",
                                                  "\n",   "\r",       "\r\n",
                                                  "NA",   "",         " ",
                                                  "\t",   "\xC3\xA9", "1",
                                                  "null", "-",        "'"};
  std::string out;
  for (size_t i = (*random)() % 4; i > 0; --i) out += pieces[(*random)() % pieces.size()];
  return out;
}

Value random_value(Random* random, const DataType& type) {
  const uint64_t bits = (*random)();
  const auto small = static_cast<int64_t>(bits % 200) - 100;
  switch (type.id()) {
    case TypeId::kBool: return Value::boolean(bits % 2 == 0);
    case TypeId::kInt8: return Value::integral(type, small);
    case TypeId::kInt32: return Value::integral(type, static_cast<int32_t>(bits));
    case TypeId::kInt64: return Value::integral(type, static_cast<int64_t>(bits) >> (bits % 64));
    case TypeId::kUInt64: return Value::unsigned_integral(type, bits);
    case TypeId::kFloat32: {
      const auto pattern = static_cast<uint32_t>(bits);
      float value;
      std::memcpy(&value, &pattern, 4);
      return Value::floating(type, std::isnan(value) ? 0.1F : value);
    }
    case TypeId::kFloat64: {
      double value;
      std::memcpy(&value, &bits, 8);
      if (bits % 4 == 0) value = static_cast<double>(small);
      return Value::floating(type, std::isnan(value) ? -0.0 : value);
    }
    case TypeId::kDecimal128:
      return Value::decimal(type, static_cast<Int128>(static_cast<int64_t>(bits)) * 1000);
    case TypeId::kDate32: return Value::integral(type, static_cast<int64_t>(bits % 40000));
    case TypeId::kTime64: return Value::integral(type, static_cast<int64_t>(bits % 86400000000));
    case TypeId::kTimestamp:
      // 60 years on either side of 1970: years of four digits are what the text form has.
      return Value::integral(type, (static_cast<int64_t>(bits % 4000000000) - 2000000000) *
                                           units_per_second(type.unit()) +
                                       static_cast<int64_t>(bits % 1000));
    default: return Value::utf8(random_string(random));
  }
}

TEST(CsvRoundTrip, RandomTables) {
  Random random(test_seed());
  SCOPED_TRACE(concat("seed ", test_seed()));
  const std::vector<DataType> types = {DataType(TypeId::kBool),
                                       DataType(TypeId::kInt8),
                                       DataType(TypeId::kInt32),
                                       DataType(TypeId::kInt64),
                                       DataType(TypeId::kUInt64),
                                       DataType(TypeId::kFloat32),
                                       DataType(TypeId::kFloat64),
                                       DataType::decimal(38, 3),
                                       DataType(TypeId::kUtf8),
                                       DataType(TypeId::kUtf8),
                                       DataType(TypeId::kDate32),
                                       DataType(TypeId::kTime64),
                                       DataType::timestamp(TimeUnit::kMicro),
                                       DataType::timestamp(TimeUnit::kMilli, "UTC")};
  for (int round = 0; round < 200; ++round) {
    CsvOptions options;
    const std::vector<std::string> delimiters = {",", "\t", ";", "||", ";;"};
    options.delimiter = delimiters[random() % delimiters.size()];
    options.quote = random() % 4 == 0 ? '\'' : '"';
    if (random() % 2 == 0) options.null_texts = {"NA", "null"};
    options.range_bytes = random() % 2 == 0 ? 1 + static_cast<int64_t>(random() % 300) : 1 << 20;
    const size_t width = 1 + random() % 6;
    const auto rows = static_cast<int64_t>(random() % 50);
    Chunk chunk;
    chunk.rows = rows;
    for (size_t i = 0; i < width; ++i) {
      const DataType& type = types[random() % types.size()];
      options.columns.push_back({concat("c", i, random_string(&random)), type});
      const auto builder = ColumnBuilder::make(type);
      for (int64_t row = 0; row < rows; ++row) {
        if (random() % 5 == 0) {
          builder->append_null();
        } else {
          builder->append_value(random_value(&random, type));
        }
      }
      chunk.columns.push_back(builder->finish());
    }
    TextRows expected;
    for (int64_t row = 0; row < rows; ++row) {
      expected.emplace_back();
      for (const ColumnPtr& column : chunk.columns) {
        expected.back().push_back(column->is_null(row) ? "<null>" : column->value(row).to_string());
      }
    }
    std::string text;
    CsvWriter writer{Schema(options.columns), options};
    writer.write_header(&text);
    writer.write_chunk(chunk, &text);
    const auto source = open_csv(local_file_system(), write_test_file("r.csv", text), options);
    const auto chunk_rows = static_cast<int64_t>(1 + random() % 60);
    ASSERT_EQ(read_all(*source, chunk_rows, 1 + random() % 3), expected)
        << "round " << round << "\n"
        << excerpt(text, 4000);
    for (const std::string& warning : source->warnings()) ADD_FAILURE() << warning;
  }
}

TEST(CsvWriter, InferenceSeesTheTypesWritten) {
  FixedBuilder<double> floats{DataType(TypeId::kFloat64)};
  floats.append(3);
  floats.append(0.1);
  StringBuilder texts;
  texts.append("");
  texts.append_null();
  Chunk chunk;
  chunk.rows = 2;
  chunk.columns = {floats.finish(), texts.finish(), Column::constant(Value::int64(7), 2)};
  const CsvWriter writer(Schema({{"f", DataType(TypeId::kFloat64)},
                                 {"t", DataType(TypeId::kUtf8)},
                                 {"i", DataType(TypeId::kInt64)}}));
  std::string text;
  writer.write_header(&text);
  writer.write_chunk(chunk, &text);
  EXPECT_EQ(text, "f,t,i\n3.0,\"\",7\n0.1,,7\n");
  chunk.selection = std::make_shared<Selection>(Selection{1});
  text.clear();
  writer.write_chunk(chunk, &text);
  EXPECT_EQ(text, "0.1,,7\n");
}

TEST(CsvWriter, BinaryThatIsNoTextIsRefused) {
  StringBuilder builder{DataType(TypeId::kBinary)};
  builder.append("caf\xC3\xA9");
  builder.append("\xFF\x00");
  Chunk chunk;
  chunk.rows = 2;
  chunk.columns = {builder.finish()};
  const CsvWriter writer(Schema({{"raw", DataType(TypeId::kBinary)}}));
  std::string text;
  expect_error(error_of([&] { writer.write_chunk(chunk, &text); }), ErrorKind::kTypeMismatch,
               {"'raw'", "not UTF-8"});
  chunk.selection = std::make_shared<Selection>(Selection{0});
  text.clear();
  writer.write_chunk(chunk, &text);
  EXPECT_EQ(text, "caf\xC3\xA9\n");
}

}  // namespace
}  // namespace velaria
