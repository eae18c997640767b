// Random columns of every type, for property tests.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "src/column/builder.h"
#include "src/column/chunk.h"
#include "src/column/schema.h"
#include "src/column/value.h"

namespace velaria::column_test {

inline std::vector<DataType> all_types() {
  std::vector<DataType> out;
  for (int id = 0; id <= static_cast<int>(TypeId::kInterval); ++id) {
    const auto type = static_cast<TypeId>(id);
    if (type == TypeId::kDecimal128 || type == TypeId::kTimestamp) continue;
    out.push_back(DataType(type));
  }
  out.push_back(DataType::decimal(38, 5));
  out.push_back(DataType::decimal(9, 0));
  for (const TimeUnit unit :
       {TimeUnit::kSecond, TimeUnit::kMilli, TimeUnit::kMicro, TimeUnit::kNano}) {
    out.push_back(DataType::timestamp(unit));
  }
  out.push_back(DataType::timestamp(TimeUnit::kMicro, "Europe/Berlin"));
  out.push_back(DataType::vector(1));
  out.push_back(DataType::vector(5));
  return out;
}

using Random = std::mt19937_64;

inline int64_t below(Random& random, int64_t limit) {
  return static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
}

inline Value random_value(const DataType& type, Random& random) {
  switch (type.id()) {
    case TypeId::kNull: return Value();
    case TypeId::kBool: return Value::boolean(random() % 2 == 0);
    case TypeId::kInt8: return Value::integral(type, static_cast<int8_t>(random()));
    case TypeId::kInt16: return Value::integral(type, static_cast<int16_t>(random()));
    case TypeId::kInt32: return Value::integral(type, static_cast<int32_t>(random()));
    case TypeId::kDate32: return Value::integral(type, below(random, 80000) - 40000);
    case TypeId::kTime64: return Value::integral(type, below(random, 86400000000));
    case TypeId::kTimestamp:
    case TypeId::kInt64: return Value::integral(type, static_cast<int64_t>(random()));
    case TypeId::kUInt8: return Value::unsigned_integral(type, static_cast<uint8_t>(random()));
    case TypeId::kUInt16: return Value::unsigned_integral(type, static_cast<uint16_t>(random()));
    case TypeId::kUInt32: return Value::unsigned_integral(type, static_cast<uint32_t>(random()));
    case TypeId::kUInt64: return Value::unsigned_integral(type, random());
    case TypeId::kFloat32:
      return Value::floating(type, static_cast<float>(below(random, 1000)) / 8);
    case TypeId::kFloat64: return Value::floating(type, static_cast<double>(random()) / 3);
    case TypeId::kDecimal128:
      return Value::decimal(type, type.precision() > 18
                                      ? static_cast<Int128>(static_cast<int64_t>(random())) *
                                            below(random, 1000000000)
                                      : static_cast<Int128>(below(random, 1000000)) - 500000);
    case TypeId::kUtf8:
    case TypeId::kBinary: {
      std::string text;
      const int64_t size = below(random, random() % 4 == 0 ? 60 : 15);
      for (int64_t i = 0; i < size; ++i) text += static_cast<char>('a' + random() % 26);
      return type.id() == TypeId::kUtf8 ? Value::utf8(text) : Value::binary(text);
    }
    case TypeId::kInterval:
      return Value::interval({static_cast<int32_t>(below(random, 100)) - 50,
                              static_cast<int32_t>(below(random, 100)) - 50,
                              below(random, 1000000000000) - 500000000000});
    case TypeId::kFixedSizeList: {
      std::vector<float> elements;
      for (int i = 0; i < type.list_size(); ++i) {
        elements.push_back(static_cast<float>(below(random, 1000)) / 4);
      }
      return Value::vector(elements);
    }
    case TypeId::kNested: break;  // see nested_values.h
  }
  return Value();
}

inline ColumnPtr random_flat(const DataType& type, int64_t rows, bool nulls, Random& random) {
  const auto builder = ColumnBuilder::make(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (type.is_null() || (nulls && random() % 3 == 0)) {
      builder->append_null();
    } else {
      builder->append_value(random_value(type, random));
    }
  }
  return builder->finish();
}

// Any encoding, often a slice of something larger.
inline ColumnPtr random_column(const DataType& type, int64_t rows, Random& random) {
  const bool nulls = random() % 2 == 0;
  const int64_t offset = random() % 2 == 0 ? 0 : below(random, 70);
  const uint64_t kind = random() % 6;
  ColumnPtr whole;
  if (kind == 0) {
    whole = Column::constant(random() % 4 == 0 ? Value::null(type) : random_value(type, random),
                             offset + rows);
  } else if (kind <= 2 && !type.is_null()) {
    const int64_t entries = 1 + below(random, 9);
    FixedBuilder<uint32_t> indices(DataType(TypeId::kUInt32));
    for (int64_t i = 0; i < offset + rows; ++i) {
      if (nulls && random() % 5 == 0) {
        indices.append_null();
      } else {
        indices.append(static_cast<uint32_t>(below(random, entries)));
      }
    }
    const ColumnPtr made = indices.finish();
    whole = Column::dictionary(random_flat(type, entries, random() % 2 == 0, random), offset + rows,
                               made->values_buffer(), 0, made->validity());
  } else {
    whole = random_flat(type, offset + rows, nulls, random);
  }
  return offset == 0 ? whole : whole->slice(offset, rows);
}

inline SelectionPtr random_selection(int64_t rows, Random& random) {
  if (random() % 2 == 0) return nullptr;
  Selection chosen;
  for (int64_t i = 0; i < rows; ++i) {
    if (random() % 3 != 0) chosen.push_back(static_cast<uint32_t>(i));
  }
  return std::make_shared<const Selection>(std::move(chosen));
}

}  // namespace velaria::column_test
