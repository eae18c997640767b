// Random tables -> writer -> reader are equal, however the file is cut; integers keep every digit.
#include <cmath>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/io/json/json_source.h"
#include "src/io/json/json_writer.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

using Random = std::mt19937_64;

std::string random_string(Random* random) {
  static const std::vector<std::string> pieces = {
      "a",        "word",       "a longer piece of text",
      ",",        "{",          "}",
      "[\"",      "\"",         "\\",
      "\\u0041",  "\n",         "\r\n",
      "null",     "",           " ",
      "\t",       "\xC3\xA9",   "\xF0\x9F\x98\x80",
      "1",        "2024-01-01", std::string(1, '\0'),
      "\x01\x1F", "/",          "\x7F"};
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
      return Value::floating(type, value);
    }
    case TypeId::kFloat64: {
      double value;
      std::memcpy(&value, &bits, 8);
      if (bits % 4 == 0) value = static_cast<double>(small);
      if (bits % 17 == 0) value = bits % 2 == 0 ? INFINITY : NAN;
      return Value::floating(type, value);
    }
    case TypeId::kDecimal128:
      return Value::decimal(type, static_cast<Int128>(static_cast<int64_t>(bits)) * 1000);
    case TypeId::kDate32: return Value::integral(type, static_cast<int64_t>(bits % 40000));
    case TypeId::kTime64: return Value::integral(type, static_cast<int64_t>(bits % 86400000000));
    case TypeId::kTimestamp:
      return Value::integral(type, (static_cast<int64_t>(bits % 4000000000) - 2000000000) *
                                           units_per_second(type.unit()) +
                                       static_cast<int64_t>(bits % 1000));
    default: return Value::utf8(random_string(random));
  }
}

struct RandomTable {
  Schema schema;
  Chunk chunk;
  TextRows rows;
};

RandomTable random_table(Random* random, const std::vector<DataType>& types) {
  RandomTable out;
  std::vector<Field> fields;
  const size_t width = 1 + (*random)() % 6;
  out.chunk.rows = 1 + static_cast<int64_t>((*random)() % 50);
  for (size_t i = 0; i < width; ++i) {
    const DataType& type = types[(*random)() % types.size()];
    fields.push_back({concat("c", i, random_string(random)), type});
    const auto builder = ColumnBuilder::make(type);
    for (int64_t row = 0; row < out.chunk.rows; ++row) {
      if ((*random)() % 5 == 0) {
        builder->append_null();
      } else {
        builder->append_value(random_value(random, type));
      }
    }
    out.chunk.columns.push_back(builder->finish());
  }
  for (int64_t row = 0; row < out.chunk.rows; ++row) {
    out.rows.emplace_back();
    for (const ColumnPtr& column : out.chunk.columns) {
      out.rows.back().push_back(column->is_null(row) ? "<null>" : column->value(row).to_string());
    }
  }
  out.schema = Schema(std::move(fields));
  return out;
}

std::string written(const RandomTable& table) {
  std::string text;
  JsonWriter(table.schema).write_chunk(table.chunk, &text);
  return text;
}

TEST(JsonRoundTrip, RandomTablesWithTheirTypes) {
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
    const RandomTable table = random_table(&random, types);
    const std::string text = written(table);
    JsonOptions options;
    for (const Field& field : table.schema.fields()) {
      options.columns.push_back({field.name, field.type});
    }
    options.multiline = random() % 2 == 0;
    options.range_bytes = random() % 2 == 0 ? 1 + static_cast<int64_t>(random() % 300) : 1 << 20;
    const auto source = open_json(local_file_system(), write_test_file("r.jsonl", text), options);
    ASSERT_EQ(read_all(*source, static_cast<int64_t>(1 + random() % 60), 1 + random() % 3),
              table.rows)
        << "round " << round << "\n"
        << excerpt(text, 4000);
  }
}

TEST(JsonRoundTrip, InferenceSeesTheTypesWritten) {
  Random random(test_seed() + 1);
  SCOPED_TRACE(concat("seed ", test_seed()));
  const std::vector<DataType> types = {
      DataType(TypeId::kBool), DataType(TypeId::kInt64), DataType(TypeId::kDate32),
      DataType::timestamp(TimeUnit::kMicro), DataType::timestamp(TimeUnit::kMicro, "UTC")};
  for (int round = 0; round < 200; ++round) {
    const RandomTable table = random_table(&random, types);
    // Rows without anything change no type, wherever they stand.
    std::string text = random() % 2 == 0 ? "" : "{}\n";
    text += written(table);
    for (size_t i = random() % 3; i > 0; --i) text += "{}\n";
    const auto source = open_json(local_file_system(), write_test_file("r.jsonl", text));
    for (size_t i = 0; i < table.schema.size(); ++i) {
      const bool has_value = std::any_of(table.rows.begin(), table.rows.end(),
                                         [&](const auto& row) { return row[i] != "<null>"; });
      const DataType expected = has_value ? table.schema.field(i).type : DataType(TypeId::kUtf8);
      // A timestamp column in which every value is midnight is still a timestamp: its text says so.
      ASSERT_EQ(source->schema().field(i).type, expected) << excerpt(text, 4000);
      ASSERT_EQ(source->schema().field(i).name, table.schema.field(i).name);
    }
  }
}

TEST(JsonRoundTrip, AnyIntegerLiteralComesBackDigitForDigit) {
  Random random(test_seed() + 2);
  SCOPED_TRACE(concat("seed ", test_seed()));
  for (int round = 0; round < 500; ++round) {
    std::string literal = random() % 2 == 0 ? "-" : "";
    const size_t digits = 1 + random() % (round % 10 == 0 ? 400 : 22);
    for (size_t i = 0; i < digits; ++i) {
      literal += static_cast<char>('0' + (i == 0 ? 1 + random() % 9 : random() % 10));
    }
    std::string text = "{\"n\":" + literal + "}\n";
    if (random() % 2 == 0) text += "{\"n\":1}\n";
    if (random() % 4 == 0) text += "{\"n\":0.5}\n";
    const auto source = open_json(local_file_system(), write_test_file("n.jsonl", text));
    const std::string read = read_all(*source)[0][0];
    if (source->schema().field(0).type.id() == TypeId::kFloat64) {
      // Only when a double holds it.
      char digits_of_double[512];
      std::snprintf(digits_of_double, sizeof(digits_of_double), "%.0f", std::stod(read));
      ASSERT_EQ(digits_of_double, literal) << text;
    } else if (source->schema().field(0).type.id() == TypeId::kDecimal128) {
      ASSERT_EQ(read, literal + ".0") << text;  // beside 0.5
    } else {
      ASSERT_EQ(read, literal) << text;
    }
  }
}

TEST(JsonWriter, Text) {
  FixedBuilder<double> floats{DataType(TypeId::kFloat64)};
  floats.append(3);
  floats.append_null();
  StringBuilder texts;
  texts.append("a\"\n\x02");
  texts.append("");
  StringBuilder bytes{DataType(TypeId::kBinary)};
  bytes.append(std::string_view("\x00\xff", 2));
  bytes.append("");
  VectorBuilder vectors(DataType::vector(2));
  const float first[] = {1, -0.5F};
  vectors.append(first);
  vectors.append_null();
  Chunk chunk;
  chunk.rows = 2;
  chunk.columns = {floats.finish(), texts.finish(), bytes.finish(), vectors.finish(),
                   Column::constant(Value::int64(7), 2)};
  const Schema schema({{"f", DataType(TypeId::kFloat64)},
                       {"t\"", DataType(TypeId::kUtf8)},
                       {"b", DataType(TypeId::kBinary)},
                       {"v", DataType::vector(2)},
                       {"i", DataType(TypeId::kInt64)}});
  std::string text;
  JsonWriter(schema).write_chunk(chunk, &text);
  EXPECT_EQ(
      text,
      "{\"f\":3.0,\"t\\\"\":\"a\\\"\\n\\u0002\",\"b\":\"\\\\x00ff\",\"v\":[1.0,-0.5],\"i\":7}\n"
      "{\"f\":null,\"t\\\"\":\"\",\"b\":\"\\\\x\",\"v\":null,\"i\":7}\n");
  JsonOptions options;
  for (const Field& field : schema.fields()) options.columns.push_back({field.name, field.type});
  const auto source = open_json(local_file_system(), write_test_file("w.jsonl", text), options);
  ScanRequest request;
  request.columns = {2, 3};
  const auto task = source->scan(request)->new_task();
  Chunk read;
  ASSERT_TRUE(task->next(&read));
  EXPECT_EQ(read.columns[0]->values<StringView>()[0].text(), std::string_view("\x00\xff", 2));
  EXPECT_EQ(read.columns[0]->values<StringView>()[1].text(), "");
  EXPECT_EQ(read.columns[1]->vector_at(0)[1], -0.5F);
  EXPECT_TRUE(read.columns[1]->is_null(1));
  expect_error(
      error_of([] {
        JsonWriter(Schema({{"a", DataType(TypeId::kBool)}, {"a", DataType(TypeId::kBool)}}));
      }),
      ErrorKind::kInvalidArgument, {"two columns are named 'a'", "AS"});
}

}  // namespace
}  // namespace velaria
