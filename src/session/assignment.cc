#include "src/session/assignment.h"

#include <cmath>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/kernel/cast.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

[[noreturn]] void refuse(const Field& column, const std::string& why) {
  throw Error(ErrorKind::kTypeMismatch, concat("column '", excerpt(column.name), "' is ",
                                               column.type.to_string(), ": ", why));
}

// Whether a cast of values of these types can succeed and give another value.
bool may_lose(const DataType& from, const DataType& to) {
  if (from.is_string() || to.is_string()) return false;
  if (from.id() == TypeId::kTimestamp) {
    return to.id() == TypeId::kDate32 || (to.id() == TypeId::kTimestamp && to.unit() < from.unit());
  }
  if (to.id() == TypeId::kBool) return true;
  if (from.is_integer()) return to.is_float();
  return (from.is_float() || from.id() == TypeId::kDecimal128) && !to.is_float();
}

bool has_only_nulls(const Column& values) {
  for (int64_t row = 0; row < values.length(); ++row) {
    if (!values.is_null(row)) return false;
  }
  return true;
}

ColumnPtr checked_cast(const ColumnPtr& values, const Field& column) {
  try {
    return cast(values, column.type);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kTypeMismatch) throw;
    refuse(column, error.message());
  }
}

// Too large for the narrower float: it would become infinite.
void check_float_range(const Column& values, const Column& narrow, const Field& column) {
  for (int64_t row = 0; row < values.length(); ++row) {
    if (values.validity().valid(row) && std::isinf(narrow.values<float>()[row]) &&
        std::isfinite(values.values<double>()[row])) {
      refuse(column, concat(values.value(row).to_string(), " is out of its range"));
    }
  }
}

}  // namespace

ColumnPtr assign_values(const ColumnPtr& values, const Field& column) {
  const DataType& from = values->type();
  if (from == column.type) return values;
  // A bare NULL has become text on its way here, and there is no cast from text to a list.
  const bool all_null = column.type.is_nested() && has_only_nulls(*values);
  if (from.is_null() || all_null) return Column::nulls(column.type, values->length());
  const bool drops_date = from.id() == TypeId::kTimestamp && column.type.id() == TypeId::kTime64;
  if (!can_cast(from, column.type) || drops_date) {
    refuse(column, concat("a value of type ", from.to_string(),
                          " cannot be put into it; cast it to what is meant"));
  }
  const ColumnPtr flat = flatten(values);
  const ColumnPtr out = checked_cast(flat, column);
  if (from.id() == TypeId::kFloat64 && column.type.id() == TypeId::kFloat32) {
    check_float_range(*flat, *out, column);
  }
  if (!may_lose(from, column.type)) return out;
  const ColumnPtr back = cast(out, from, CastMode::kTry);
  std::vector<uint32_t> changed;
  select_true(*flatten(is_distinct(flat, back, false)), &changed);
  if (changed.empty()) return out;
  const int64_t row = changed[0];
  refuse(column, concat(flat->value(row).to_string(), " would become ", out->value(row).to_string(),
                        "; round or cast it to what is meant"));
}

}  // namespace velaria
