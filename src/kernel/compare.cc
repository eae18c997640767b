#include "src/kernel/compare.h"

#include <cstring>
#include <limits>

#include "src/base/error.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/operand_rows.h"
#include "src/kernel/take.h"

namespace velaria {

int compare_values(const Interval& a, const Interval& b) {
  const Int128 x = a.total_micros();
  const Int128 y = b.total_micros();
  return x < y ? -1 : (x > y ? 1 : 0);
}

int compare_int64_float64(int64_t a, double b) {
  if (std::isnan(b)) return -1;
  constexpr int64_t kExact = int64_t{1} << 53;
  if (a >= -kExact && a <= kExact) return compare_values(static_cast<double>(a), b);
  if (b >= 9223372036854775808.0) return -1;
  if (b < -9223372036854775808.0) return 1;
  // Here |b| is below 2^63, so its integer part fits and decides unless the parts are equal.
  const auto whole = static_cast<int64_t>(b);
  if (a != whole) return a < whole ? -1 : 1;
  const double fraction = b - static_cast<double>(whole);
  return fraction > 0 ? -1 : (fraction < 0 ? 1 : 0);
}

int compare_uint64_float64(uint64_t a, double b) {
  if (a <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return compare_int64_float64(static_cast<int64_t>(a), b);
  }
  if (std::isnan(b) || b >= 18446744073709551616.0) return -1;
  if (b < 9223372036854775808.0) return 1;
  // A double of this size has no fraction.
  return compare_values(a, static_cast<uint64_t>(b));
}

CompareOp swap_operands(CompareOp op) {
  switch (op) {
    case CompareOp::kLess: return CompareOp::kGreater;
    case CompareOp::kLessEqual: return CompareOp::kGreaterEqual;
    case CompareOp::kGreater: return CompareOp::kLess;
    case CompareOp::kGreaterEqual: return CompareOp::kLessEqual;
    default: return op;
  }
}

namespace {

template <CompareOp kOp, typename T>
bool holds(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, StringView>) {
    if constexpr (kOp == CompareOp::kEqual) return a == b;
    if constexpr (kOp == CompareOp::kNotEqual) return a != b;
    const int order = a.compare(b);
    if constexpr (kOp == CompareOp::kLess) return order < 0;
    if constexpr (kOp == CompareOp::kLessEqual) return order <= 0;
    if constexpr (kOp == CompareOp::kGreater) return order > 0;
    return order >= 0;
  } else if constexpr (std::is_same_v<T, Interval>) {
    const int order = compare_values(a, b);
    if constexpr (kOp == CompareOp::kEqual) return order == 0;
    if constexpr (kOp == CompareOp::kNotEqual) return order != 0;
    if constexpr (kOp == CompareOp::kLess) return order < 0;
    if constexpr (kOp == CompareOp::kLessEqual) return order <= 0;
    if constexpr (kOp == CompareOp::kGreater) return order > 0;
    return order >= 0;
  } else if constexpr (std::is_floating_point_v<T>) {
    // Branch-free forms of the order in which NaN equals NaN and is above everything.
    const bool a_nan = a != a;
    const bool b_nan = b != b;
    if constexpr (kOp == CompareOp::kEqual) return (a == b) | (a_nan & b_nan);
    if constexpr (kOp == CompareOp::kNotEqual) return !((a == b) | (a_nan & b_nan));
    if constexpr (kOp == CompareOp::kLess) return (a < b) | (!a_nan & b_nan);
    if constexpr (kOp == CompareOp::kLessEqual) return (a <= b) | b_nan;
    if constexpr (kOp == CompareOp::kGreater) return (a > b) | (a_nan & !b_nan);
    return (a >= b) | a_nan;
  } else {
    if constexpr (kOp == CompareOp::kEqual) return a == b;
    if constexpr (kOp == CompareOp::kNotEqual) return a != b;
    if constexpr (kOp == CompareOp::kLess) return a < b;
    if constexpr (kOp == CompareOp::kLessEqual) return a <= b;
    if constexpr (kOp == CompareOp::kGreater) return a > b;
    return a >= b;
  }
}

template <CompareOp kOp, typename T>
void compare_loop(const Column& a, const Column& b, int64_t rows, uint8_t* out) {
  const T* x = a.values<T>();
  const T* y = b.values<T>();
  if (a.is_constant()) {
    const T left = x[0];
    for (int64_t i = 0; i < rows; ++i) out[i] = holds<kOp, T>(left, y[i]);
  } else if (b.is_constant()) {
    const T right = y[0];
    for (int64_t i = 0; i < rows; ++i) out[i] = holds<kOp, T>(x[i], right);
  } else {
    for (int64_t i = 0; i < rows; ++i) out[i] = holds<kOp, T>(x[i], y[i]);
  }
}

template <typename T>
void compare_typed(CompareOp op, const Column& a, const Column& b, int64_t rows, uint8_t* out) {
  switch (op) {
    case CompareOp::kEqual: compare_loop<CompareOp::kEqual, T>(a, b, rows, out); break;
    case CompareOp::kNotEqual: compare_loop<CompareOp::kNotEqual, T>(a, b, rows, out); break;
    case CompareOp::kLess: compare_loop<CompareOp::kLess, T>(a, b, rows, out); break;
    case CompareOp::kLessEqual: compare_loop<CompareOp::kLessEqual, T>(a, b, rows, out); break;
    case CompareOp::kGreater: compare_loop<CompareOp::kGreater, T>(a, b, rows, out); break;
    case CompareOp::kGreaterEqual:
      compare_loop<CompareOp::kGreaterEqual, T>(a, b, rows, out);
      break;
  }
}

bool order_satisfies(CompareOp op, int order) {
  switch (op) {
    case CompareOp::kEqual: return order == 0;
    case CompareOp::kNotEqual: return order != 0;
    case CompareOp::kLess: return order < 0;
    case CompareOp::kLessEqual: return order <= 0;
    case CompareOp::kGreater: return order > 0;
    case CompareOp::kGreaterEqual: return order >= 0;
  }
  return false;
}

}  // namespace

ColumnPtr compare(CompareOp op, const ColumnPtr& a, const ColumnPtr& b) {
  const int64_t rows = a->length();
  const DataType boolean(TypeId::kBool);
  if (is_null_constant(*a) || is_null_constant(*b)) return Column::nulls(boolean, rows);
  if (a->is_constant() && b->is_constant()) return compare(op, flatten(a), b);
  auto out = Buffer::allocate(static_cast<size_t>(rows));
  Validity validity = intersect(operand_validity(*a), operand_validity(*b), rows);
  if (a->type().is_string() && !validity.all_valid()) {
    // Null slots of foreign columns may hold anything, so they are not looked at.
    const StringView* x = a->values<StringView>();
    const StringView* y = b->values<StringView>();
    for (int64_t i = 0; i < rows; ++i) {
      out->mutable_data()[i] =
          validity.valid(i) &&
          order_satisfies(op, x[a->is_constant() ? 0 : i].compare(y[b->is_constant() ? 0 : i]));
    }
  } else {
    visit_stored_type(a->type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      compare_typed<T>(op, *a, *b, rows, out->mutable_data());
    });
  }
  return Column::flat(boolean, rows, std::move(out), 0, std::move(validity));
}

ColumnPtr compare_mixed(CompareOp op, const ColumnPtr& integers, const ColumnPtr& floats) {
  const int64_t rows = integers->length();
  const DataType boolean(TypeId::kBool);
  if (is_null_constant(*integers) || is_null_constant(*floats)) return Column::nulls(boolean, rows);
  auto out = Buffer::allocate(static_cast<size_t>(rows));
  const double* y = floats->values<double>();
  const bool is_unsigned = integers->type().id() == TypeId::kUInt64;
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t x_at = integers->is_constant() ? 0 : i;
    const double right = y[floats->is_constant() ? 0 : i];
    const int order = is_unsigned
                          ? compare_uint64_float64(integers->values<uint64_t>()[x_at], right)
                          : compare_int64_float64(integers->values<int64_t>()[x_at], right);
    out->mutable_data()[i] = order_satisfies(op, order);
  }
  return Column::flat(boolean, rows, std::move(out), 0,
                      intersect(operand_validity(*integers), operand_validity(*floats), rows));
}

ColumnPtr is_distinct(const ColumnPtr& a, const ColumnPtr& b, bool negated) {
  const int64_t rows = a->length();
  auto out = Buffer::allocate(static_cast<size_t>(rows));
  const ColumnPtr x = flatten(a);
  const ColumnPtr y = flatten(b);
  for (int64_t i = 0; i < rows; ++i) {
    const bool x_null = x->is_null(i);
    const bool y_null = y->is_null(i);
    const bool distinct = (x_null || y_null) ? x_null != y_null : compare_rows(*x, i, *y, i) != 0;
    out->mutable_data()[i] = distinct != negated;
  }
  return Column::flat(DataType(TypeId::kBool), rows, std::move(out), 0, Validity());
}

int compare_rows(const Column& a, int64_t a_row, const Column& b, int64_t b_row) {
  if (a.type().is_null()) return 0;
  if (a.type().is_vector()) {
    const float* x = a.vector_at(a_row);
    const float* y = b.vector_at(b_row);
    for (int32_t i = 0; i < a.type().list_size(); ++i) {
      if (const int order = compare_values(x[i], y[i])) return order;
    }
    return 0;
  }
  return visit_stored_type(a.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return compare_values(a.values<T>()[a_row], b.values<T>()[b_row]);
  });
}

void select_true(const Column& condition, std::vector<uint32_t>* rows) {
  rows->clear();
  const int64_t length = condition.length();
  if (condition.is_constant()) {
    if (condition.is_null(0) || condition.values<uint8_t>()[0] == 0) return;
    rows->resize(static_cast<size_t>(length));
    for (int64_t i = 0; i < length; ++i) (*rows)[static_cast<size_t>(i)] = static_cast<uint32_t>(i);
    return;
  }
  const uint8_t* values = condition.values<uint8_t>();
  rows->resize(static_cast<size_t>(length));
  uint32_t* out = rows->data();
  size_t count = 0;
  if (condition.validity().all_valid()) {
    for (int64_t i = 0; i < length; ++i) {
      out[count] = static_cast<uint32_t>(i);
      count += values[i] != 0;
    }
  } else {
    for (int64_t i = 0; i < length; ++i) {
      out[count] = static_cast<uint32_t>(i);
      count += static_cast<size_t>((values[i] != 0) & condition.validity().valid(i));
    }
  }
  rows->resize(count);
}

}  // namespace velaria
