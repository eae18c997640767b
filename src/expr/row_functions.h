// For scalar functions that are computed row by row: arguments flattened, NULL rows skipped.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "src/column/builder.h"
#include "src/column/column.h"
#include "src/kernel/take.h"

namespace velaria {

// Whether a text is taken: NULL stands for one.
inline bool text_like(const DataType& type) { return type.id() == TypeId::kUtf8 || type.is_null(); }

// The timestamps that an argument is taken as: a date's are in microseconds.
inline std::optional<DataType> moment_type(const DataType& type) {
  if (type.id() == TypeId::kTimestamp) return type;
  if (type.id() == TypeId::kDate32 || type.is_null()) return DataType::timestamp(TimeUnit::kMicro);
  return std::nullopt;
}

using FlatColumns = std::vector<ColumnPtr>;

inline FlatColumns flatten_all(const std::vector<ColumnPtr>& arguments) {
  FlatColumns flat;
  for (const ColumnPtr& argument : arguments) flat.push_back(flatten(argument));
  return flat;
}

inline bool any_null(const FlatColumns& columns, int64_t row) {
  for (const ColumnPtr& column : columns) {
    if (column->is_null(row)) return true;
  }
  return false;
}

inline std::string_view text_at(const Column& column, int64_t row) {
  return column.values<StringView>()[row].text();
}
inline int64_t int64_at(const Column& column, int64_t row) { return column.values<int64_t>()[row]; }
inline double float64_at(const Column& column, int64_t row) { return column.values<double>()[row]; }

// f(columns, row) -> T or std::optional<T> for rows where no argument is NULL.
template <typename T, typename F>
ColumnPtr build_fixed(const std::vector<ColumnPtr>& arguments, int64_t rows, const DataType& type,
                      F f) {
  const FlatColumns flat = flatten_all(arguments);
  FixedBuilder<T> builder(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (any_null(flat, i)) {
      builder.append_null();
      continue;
    }
    const std::optional<T> value = f(flat, i);
    if (value) {
      builder.append(*value);
    } else {
      builder.append_null();
    }
  }
  return builder.finish();
}

// f(columns, row) -> text for rows where no argument is NULL.
template <typename F>
ColumnPtr build_text(const std::vector<ColumnPtr>& arguments, int64_t rows, F f) {
  const FlatColumns flat = flatten_all(arguments);
  StringBuilder builder;
  for (int64_t i = 0; i < rows; ++i) {
    if (any_null(flat, i)) {
      builder.append_null();
    } else {
      builder.append(f(flat, i));
    }
  }
  return builder.finish();
}

}  // namespace velaria
