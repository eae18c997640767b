#include "src/kernel/nested_cast.h"

#include <cmath>
#include <cstring>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/half_float.h"
#include "src/column/nested_column.h"

namespace velaria {

namespace {

// Slot `slot`, which is not NULL, of an array of floats of any width.
double float_at(const NestedArray& floats, int64_t slot) {
  const char* from = floats.bytes(slot).data();
  const auto load = [from](auto value) {
    std::memcpy(&value, from, sizeof(value));
    return value;
  };
  switch (floats.type->width_bytes) {
    case 2: return static_cast<double>(half_to_float(load(uint16_t{})));
    case 4: return static_cast<double>(load(float{}));
    default: return load(double{});
  }
}

// What keeps a list from being a vector of `dimension` elements; empty when nothing does.
std::string vector_of(const NestedArray& lists, int64_t slot, int32_t dimension,
                      std::vector<float>* elements) {
  const int64_t first = lists.begin(slot);
  const int64_t length = lists.end(slot) - first;
  if (length != dimension) {
    return concat("it has ", length, " elements, but dimension ", dimension, " is needed");
  }
  const NestedArray& floats = lists.children[0];
  for (int64_t i = 0; i < length; ++i) {
    if (floats.is_null(first + i)) return concat("its element ", i, " is NULL");
    const double value = float_at(floats, first + i);
    const auto narrow = static_cast<float>(value);
    if (std::isinf(narrow) && std::isfinite(value)) {
      return concat("its element ", i, ", ", format_double(value), ", is beyond float32");
    }
    (*elements)[static_cast<size_t>(i)] = narrow;
  }
  return "";
}

}  // namespace

bool is_list_of_floats(const DataType& type) {
  return type.is_nested() && type.nested_type().is_list() &&
         type.nested_type().fields[0].type->leaf.is_float();
}

ColumnPtr nested_to_text(const Column& column, const DataType& to, CastMode mode) {
  StringBuilder builder(to);
  const NestedArray values = decode_nested_column(column);
  std::string text;
  for (int64_t i = 0; i < column.length(); ++i) {
    if (values.is_null(i)) {
      builder.append_null();
      continue;
    }
    text.clear();
    try {
      append_nested_json(values, i, &text);
    } catch (const Error& error) {
      if (mode != CastMode::kTry || error.kind() != ErrorKind::kTypeMismatch) throw;
      builder.append_null();
      continue;
    }
    builder.append(text);
  }
  return builder.finish();
}

ColumnPtr nested_to_vector(const Column& column, const DataType& to, CastMode mode) {
  VectorBuilder builder(to);
  const NestedArray lists = decode_nested_column(column);
  std::vector<float> elements(static_cast<size_t>(to.list_size()));
  for (int64_t i = 0; i < column.length(); ++i) {
    if (lists.is_null(i)) {
      builder.append_null();
      continue;
    }
    const std::string problem = vector_of(lists, i, to.list_size(), &elements);
    if (problem.empty()) {
      builder.append(elements.data());
    } else if (mode == CastMode::kTry) {
      builder.append_null();
    } else {
      std::string text;
      append_nested_json(lists, i, &text);
      throw Error(
          ErrorKind::kTypeMismatch,
          concat("cannot cast ", excerpt(text), " from ", column.type().to_string(), " to ",
                 to.to_string(), ": ", problem, "; use TRY_CAST to get NULL for such values"));
    }
  }
  return builder.finish();
}

}  // namespace velaria
