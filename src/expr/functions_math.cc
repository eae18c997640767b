// Functions over numbers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/decimal.h"
#include "src/expr/function_registry.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

const DataType kFloat64(TypeId::kFloat64);
const DataType kInt64(TypeId::kInt64);

template <double (*kFunction)(double)>
ColumnPtr map_float64(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const ColumnPtr flat = flatten(a[0]);
  auto out = Buffer::allocate(static_cast<size_t>(rows) * sizeof(double));
  auto* result = reinterpret_cast<double*>(out->mutable_data());
  const double* values = flat->values<double>();
  for (int64_t i = 0; i < rows; ++i) result[i] = kFunction(values[i]);
  return Column::flat(type, rows, std::move(out), 0, flat->validity());
}

double natural_log(double x) { return std::log(x); }
double decimal_log(double x) { return std::log10(x); }
double exponential(double x) { return std::exp(x); }
double square_root(double x) { return std::sqrt(x); }
double cube_root(double x) { return std::cbrt(x); }
double round_down(double x) { return std::floor(x); }
double round_up(double x) { return std::ceil(x); }
// Half away from zero, as people expect of ROUND(2.5).
double round_half(double x) { return std::round(x); }
double cut_fraction(double x) { return std::trunc(x); }
double sine(double x) { return std::sin(x); }
double cosine(double x) { return std::cos(x); }
double tangent(double x) { return std::tan(x); }
double magnitude(double x) { return std::fabs(x); }
double sign_of(double x) { return std::isnan(x) ? x : (x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0)); }

template <double (*kFunction)(double)>
std::optional<ResolvedFunction> resolve_float64(const std::vector<DataType>& types) {
  if (!types[0].is_numeric() && !types[0].is_null()) return std::nullopt;
  return ResolvedFunction{{kFloat64}, kFloat64, map_float64<kFunction>};
}

// Decimals are rounded as the integers they are; no double in between.
enum class Rounding { kDown, kUp, kHalf, kCut };

// `value` to a multiple of `unit`, a power of ten.
template <Rounding kRounding>
Int128 round_to_unit(Int128 value, Int128 unit) {
  const Int128 rest = value % unit;
  const Int128 cut = value - rest;
  switch (kRounding) {
    case Rounding::kDown: return rest < 0 ? cut - unit : cut;
    case Rounding::kUp: return rest > 0 ? cut + unit : cut;
    case Rounding::kHalf:
      if (rest >= unit - rest) return cut + unit;
      return -rest >= unit + rest ? cut - unit : cut;
    case Rounding::kCut: break;
  }
  return cut;
}

// round_decimal(x [, digits]); the scale stays, so that it is known before the values are.
template <Rounding kRounding>
ColumnPtr round_decimal(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const ColumnPtr flat = flatten(a[0]);
  const ColumnPtr digits = a.size() == 2 ? flatten(a[1]) : nullptr;
  const int scale = a[0]->type().scale();
  const Int128 limit = power_of_ten(type.precision());
  FixedBuilder<Int128> builder(type);
  for (int64_t i = 0; i < rows; ++i) {
    if (flat->is_null(i) || (digits && digits->is_null(i))) {
      builder.append_null();
      continue;
    }
    const Int128 value = flat->values<Int128>()[i];
    const int64_t places = digits ? digits->values<int64_t>()[i] : 0;
    Int128 rounded = value;
    if (places < scale - type.precision()) {
      rounded = 0;  // the unit is above ten times every value
    } else if (places < scale) {
      rounded = round_to_unit<kRounding>(value, power_of_ten(static_cast<int>(scale - places)));
    }
    if (rounded >= limit || rounded <= -limit) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("decimal overflow in rounding ", flat->value(i).to_string()));
    }
    builder.append(rounded);
  }
  return builder.finish();
}

// One digit more than the argument: 9.99 rounds to 10.00.
DataType rounded_decimal(const DataType& type) {
  return DataType::decimal(std::min(38, type.precision() + 1), type.scale());
}

ColumnPtr abs_decimal(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const ColumnPtr flat = flatten(a[0]);
  FixedBuilder<Int128> builder(type);
  for (int64_t i = 0; i < rows; ++i) {
    const Int128 value = flat->values<Int128>()[i];
    if (flat->is_null(i)) {
      builder.append_null();
    } else {
      builder.append(value < 0 ? -value : value);
    }
  }
  return builder.finish();
}

ColumnPtr same_column(const std::vector<ColumnPtr>& a, int64_t, const DataType&) { return a[0]; }

// floor, ceil, round, trunc of an integer are the integer itself, whatever its size.
template <double (*kFunction)(double), Rounding kRounding>
std::optional<ResolvedFunction> resolve_rounding(const std::vector<DataType>& types) {
  if (types[0].is_integer()) return ResolvedFunction{{types[0]}, types[0], same_column};
  if (types[0].id() == TypeId::kDecimal128) {
    return ResolvedFunction{{types[0]}, rounded_decimal(types[0]), round_decimal<kRounding>, true};
  }
  return resolve_float64<kFunction>(types);
}

ColumnPtr abs_int64(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const ColumnPtr flat = flatten(a[0]);
  auto out = Buffer::allocate(static_cast<size_t>(rows) * sizeof(int64_t));
  auto* result = reinterpret_cast<int64_t*>(out->mutable_data());
  const int64_t* values = flat->values<int64_t>();
  for (int64_t i = 0; i < rows; ++i) {
    const bool valid = flat->validity().valid(i);
    if (valid && values[i] == std::numeric_limits<int64_t>::min()) {
      throw Error(ErrorKind::kTypeMismatch, concat("integer overflow in abs(", values[i], ")"));
    }
    result[i] = valid ? std::abs(values[i]) : 0;
  }
  return Column::flat(type, rows, std::move(out), 0, flat->validity());
}

std::optional<ResolvedFunction> resolve_abs(const std::vector<DataType>& types) {
  if (types[0].is_unsigned_integer()) return ResolvedFunction{{types[0]}, types[0], same_column};
  if (types[0].is_integer()) return ResolvedFunction{{kInt64}, kInt64, abs_int64, true};
  if (types[0].id() == TypeId::kDecimal128) {
    return ResolvedFunction{{types[0]}, types[0], abs_decimal};
  }
  return resolve_float64<magnitude>(types);
}

ColumnPtr round_digits(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const ColumnPtr flat = flatten(a[0]);
  const ColumnPtr digits = flatten(a[1]);
  auto out = Buffer::allocate(static_cast<size_t>(rows) * sizeof(double));
  auto* result = reinterpret_cast<double*>(out->mutable_data());
  for (int64_t i = 0; i < rows; ++i) {
    const double value = flat->values<double>()[i];
    const int64_t places = digits->is_null(i) ? 0 : digits->values<int64_t>()[i];
    if (places > 22 || !std::isfinite(value)) {
      result[i] = value;  // a double has no digits there
    } else if (places >= 0) {
      const double scale = std::pow(10.0, static_cast<double>(places));
      const double scaled = value * scale;
      result[i] = std::isfinite(scaled) ? std::round(scaled) / scale : value;
    } else {
      const double scale = std::pow(10.0, static_cast<double>(-places));
      result[i] = std::round(value / scale) * scale;
    }
  }
  return Column::flat(type, rows, std::move(out), 0,
                      intersect(flat->validity(), digits->validity(), rows));
}

std::optional<ResolvedFunction> resolve_round(const std::vector<DataType>& types) {
  if (types.size() == 1) return resolve_rounding<round_half, Rounding::kHalf>(types);
  if (!types[0].is_numeric() || !(types[1].is_integer() || types[1].is_null())) return std::nullopt;
  if (types[0].id() == TypeId::kDecimal128) {
    return ResolvedFunction{
        {types[0], kInt64}, rounded_decimal(types[0]), round_decimal<Rounding::kHalf>, true};
  }
  return ResolvedFunction{{kFloat64, kInt64}, kFloat64, round_digits};
}

template <double (*kFunction)(double, double)>
ColumnPtr map_float64_pair(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const ColumnPtr x = flatten(a[0]);
  const ColumnPtr y = flatten(a[1]);
  auto out = Buffer::allocate(static_cast<size_t>(rows) * sizeof(double));
  auto* result = reinterpret_cast<double*>(out->mutable_data());
  for (int64_t i = 0; i < rows; ++i) {
    result[i] = kFunction(x->values<double>()[i], y->values<double>()[i]);
  }
  return Column::flat(type, rows, std::move(out), 0, intersect(x->validity(), y->validity(), rows));
}

double power_of(double x, double y) { return std::pow(x, y); }
double angle_of(double y, double x) { return std::atan2(y, x); }

template <double (*kFunction)(double, double)>
std::optional<ResolvedFunction> resolve_pair(const std::vector<DataType>& types) {
  for (const DataType& type : types) {
    if (!type.is_numeric() && !type.is_null()) return std::nullopt;
  }
  return ResolvedFunction{{kFloat64, kFloat64}, kFloat64, map_float64_pair<kFunction>};
}

}  // namespace

void register_math(FunctionRegistry* registry) {
  const char* group = "math";
  registry->add({"abs", group, "abs(x)", "Magnitude", 1, 1, resolve_abs});
  registry->add({"sign", group, "sign(x)", "-1, 0 or 1", 1, 1, resolve_float64<sign_of>});
  registry->add({"floor", group, "floor(x)", "Largest whole number not above x", 1, 1,
                 resolve_rounding<round_down, Rounding::kDown>});
  registry->add({"ceil", group, "ceil(x)", "Smallest whole number not below x", 1, 1,
                 resolve_rounding<round_up, Rounding::kUp>});
  registry->add_alias("ceiling", "ceil");
  registry->add({"trunc", group, "trunc(x)", "x without its fraction", 1, 1,
                 resolve_rounding<cut_fraction, Rounding::kCut>});
  registry->add({"round", group, "round(x [, digits])", "Nearest value, half away from zero", 1, 2,
                 resolve_round});
  registry->add(
      {"sqrt", group, "sqrt(x)", "Square root; NaN below 0", 1, 1, resolve_float64<square_root>});
  registry->add({"cbrt", group, "cbrt(x)", "Cube root", 1, 1, resolve_float64<cube_root>});
  registry->add(
      {"exp", group, "exp(x)", "e to the power of x", 1, 1, resolve_float64<exponential>});
  registry->add({"ln", group, "ln(x)", "Natural logarithm", 1, 1, resolve_float64<natural_log>});
  registry->add(
      {"log10", group, "log10(x)", "Decimal logarithm", 1, 1, resolve_float64<decimal_log>});
  registry->add_alias("log", "log10");
  registry->add(
      {"power", group, "power(x, y)", "x to the power of y", 2, 2, resolve_pair<power_of>});
  registry->add_alias("pow", "power");
  registry->add({"sin", group, "sin(x)", "Sine of radians", 1, 1, resolve_float64<sine>});
  registry->add({"cos", group, "cos(x)", "Cosine of radians", 1, 1, resolve_float64<cosine>});
  registry->add({"tan", group, "tan(x)", "Tangent of radians", 1, 1, resolve_float64<tangent>});
  registry->add(
      {"atan2", group, "atan2(y, x)", "Angle of the point (x, y)", 2, 2, resolve_pair<angle_of>});
}

}  // namespace velaria
