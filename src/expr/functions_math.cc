// Functions over numbers.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/decimal.h"
#include "src/expr/function_registry.h"
#include "src/expr/row_functions.h"
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
// One step of Newton's behind the library, whose last digit may be off: cbrt(-27) is -3.
double cube_root(double x) {
  const double root = std::cbrt(x);
  if (!std::isfinite(root) || root == 0) return root;
  const double better = root - (root * root * root - x) / (3 * root * root);
  return std::isfinite(better) ? better : root;
}
double round_down(double x) { return std::floor(x); }
double round_up(double x) { return std::ceil(x); }
// Half away from zero, as people expect of ROUND(2.5).
double round_half(double x) { return std::round(x); }
double cut_fraction(double x) { return std::trunc(x); }
double sine(double x) { return std::sin(x); }
double cosine(double x) { return std::cos(x); }
double tangent(double x) { return std::tan(x); }
double arc_sine(double x) { return std::asin(x); }
double arc_cosine(double x) { return std::acos(x); }
double arc_tangent(double x) { return std::atan(x); }
double hyperbolic_sine(double x) { return std::sinh(x); }
double hyperbolic_cosine(double x) { return std::cosh(x); }
double hyperbolic_tangent(double x) { return std::tanh(x); }
double binary_log(double x) { return std::log2(x); }
double cotangent(double x) { return 1.0 / std::tan(x); }
constexpr double kPi = 3.14159265358979323846;
double to_degrees(double x) { return x * (180.0 / kPi); }
double to_radians(double x) { return x * (kPi / 180.0); }
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

// round(x, digits) and trunc(x, digits) of floats.
template <double (*kFunction)(double)>
ColumnPtr float_to_digits(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<double>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    const double value = float64_at(*c[0], i);
    const int64_t places = int64_at(*c[1], i);
    if (places > 308 || !std::isfinite(value)) return value;
    if (places < -308) return 0.0;
    if (places >= 0) {
      const double scale = std::pow(10.0, static_cast<double>(places));
      const double scaled = value * scale;
      constexpr double kWhole = 4503599627370496.0;  // 2^52: from here on there is no fraction
      if (!(std::fabs(scaled) < kWhole)) return value;
      // A value of so few digits stays: 0.29 * 100 is a little below 29.
      if (std::nearbyint(scaled) / scale == value) return value;
      return kFunction(scaled) / scale;
    }
    const double scale = std::pow(10.0, static_cast<double>(-places));
    return kFunction(value / scale) * scale;
  });
}

// Whole numbers change only for negative digits; nothing passes through a double.
template <Rounding kRounding>
ColumnPtr integer_to_digits(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) -> int64_t {
    const int64_t value = int64_at(*c[0], i);
    const int64_t places = int64_at(*c[1], i);
    if (places >= 0) return value;
    if (places < -19) return 0;
    const Int128 rounded = round_to_unit<kRounding>(value, power_of_ten(static_cast<int>(-places)));
    if (rounded > std::numeric_limits<int64_t>::max() ||
        rounded < std::numeric_limits<int64_t>::min()) {
      throw Error(ErrorKind::kTypeMismatch, concat("integer overflow in rounding ", value));
    }
    return static_cast<int64_t>(rounded);
  });
}

template <double (*kFunction)(double), Rounding kRounding>
std::optional<ResolvedFunction> resolve_to_digits(const std::vector<DataType>& types) {
  if (types.size() == 1) return resolve_rounding<kFunction, kRounding>(types);
  if (!types[0].is_numeric() && !types[0].is_null()) return std::nullopt;
  if (!types[1].is_integer() && !types[1].is_null()) return std::nullopt;
  if (types[0].id() == TypeId::kDecimal128) {
    return ResolvedFunction{
        {types[0], kInt64}, rounded_decimal(types[0]), round_decimal<kRounding>, true};
  }
  if (types[0].is_integer() && types[0].id() != TypeId::kUInt64) {
    return ResolvedFunction{{kInt64, kInt64}, kInt64, integer_to_digits<kRounding>, true};
  }
  if (types[0].is_integer()) {
    const DataType whole = DataType::decimal(20, 0);
    return ResolvedFunction{
        {whole, kInt64}, rounded_decimal(whole), round_decimal<kRounding>, true};
  }
  return ResolvedFunction{{kFloat64, kInt64}, kFloat64, float_to_digits<kFunction>};
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
// The logarithms that are exact for powers of their base.
double log_of(double base, double x) {
  if (base == 10) return std::log10(x);
  return base == 2 ? std::log2(x) : std::log2(x) / std::log2(base);
}

template <double (*kFunction)(double, double)>
std::optional<ResolvedFunction> resolve_pair(const std::vector<DataType>& types) {
  for (const DataType& type : types) {
    if (!type.is_numeric() && !type.is_null()) return std::nullopt;
  }
  return ResolvedFunction{{kFloat64, kFloat64}, kFloat64, map_float64_pair<kFunction>};
}

// log(x) is decimal, log(base, x) of any base.
std::optional<ResolvedFunction> resolve_log(const std::vector<DataType>& types) {
  return types.size() == 1 ? resolve_float64<decimal_log>(types) : resolve_pair<log_of>(types);
}

ColumnPtr pi_kernel(const std::vector<ColumnPtr>&, int64_t rows, const DataType&) {
  return Column::constant(Value::float64(kPi), rows);
}

enum class FloatTest { kNan, kInfinite, kFinite };

template <FloatTest kTest>
ColumnPtr float_test(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<uint8_t>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    const double x = float64_at(*c[0], i);
    const bool holds = kTest == FloatTest::kNan        ? std::isnan(x)
                       : kTest == FloatTest::kInfinite ? std::isinf(x)
                                                       : std::isfinite(x);
    return static_cast<uint8_t>(holds);
  });
}

template <FloatTest kTest>
std::optional<ResolvedFunction> resolve_float_test(const std::vector<DataType>& types) {
  if (!types[0].is_numeric() && !types[0].is_null()) return std::nullopt;
  return ResolvedFunction{{kFloat64}, DataType(TypeId::kBool), float_test<kTest>};
}

uint64_t unsigned_magnitude(int64_t value) {
  return value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

template <bool kMultiple>
ColumnPtr divisor_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) -> int64_t {
    const uint64_t x = unsigned_magnitude(int64_at(*c[0], i));
    const uint64_t y = unsigned_magnitude(int64_at(*c[1], i));
    const uint64_t divisor = std::gcd(x, y);
    const Int128 result =
        !kMultiple ? static_cast<Int128>(divisor)
                   : (divisor == 0 ? 0 : static_cast<Int128>(x / divisor) * static_cast<Int128>(y));
    if (result > std::numeric_limits<int64_t>::max()) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("integer overflow in ", kMultiple ? "lcm(" : "gcd(", int64_at(*c[0], i),
                         ", ", int64_at(*c[1], i), ")"));
    }
    return static_cast<int64_t>(result);
  });
}

ColumnPtr factorial_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<Int128>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    const int64_t n = int64_at(*c[0], i);
    if (n < 0 || n > 33) {  // 34! has 39 digits
      throw Error(ErrorKind::kTypeMismatch,
                  concat("factorial(", n, "): there is one for 0 to 33, of up to 38 digits"));
    }
    Int128 product = 1;
    for (int64_t k = 2; k <= n; ++k) product *= k;
    return product;
  });
}

constexpr int64_t kMostBuckets = 2147483647;

[[noreturn]] void bad_buckets(std::string_view x, std::string_view low, std::string_view high,
                              int64_t count) {
  throw Error(ErrorKind::kInvalidArgument,
              concat("width_bucket(", x, ", ", low, ", ", high, ", ", count,
                     "): the bounds must be finite and different, the count 1 to ", kMostBuckets));
}

// As in Postgres: 0 below the range, count + 1 above it; the range may run downwards.
ColumnPtr width_bucket_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) -> int64_t {
    const double x = float64_at(*c[0], i);
    const double low = float64_at(*c[1], i);
    const double high = float64_at(*c[2], i);
    const int64_t count = int64_at(*c[3], i);
    if (count < 1 || count > kMostBuckets || std::isnan(x) || !std::isfinite(low) ||
        !std::isfinite(high) || low == high) {
      bad_buckets(format_double(x), format_double(low), format_double(high), count);
    }
    const bool down = high < low;
    if (down ? x > low : x < low) return 0;
    if (down ? x <= high : x >= high) return count + 1;
    const double distance = high - low;
    // Halves where the whole is beyond a double.
    const double share =
        std::isfinite(distance) ? (x - low) / distance : (x / 2 - low / 2) / (high / 2 - low / 2);
    return std::min(count, static_cast<int64_t>(share * static_cast<double>(count)) + 1);
  });
}

// The whole part of part * count / all, for part < all < 2^128 and count < 2^31.
int64_t share_of(unsigned __int128 part, unsigned __int128 all, int64_t count) {
  if (all >> 96 == 0) {
    return static_cast<int64_t>(part * static_cast<unsigned __int128>(count) / all);
  }
  // By the bits of the count, as the product may have more than 128.
  int64_t whole = 0;
  unsigned __int128 rest = 0;
  const auto add = [&](unsigned __int128 more) {
    const bool full = rest >= all - more;
    rest = full ? rest - (all - more) : rest + more;
    whole += full ? 1 : 0;
  };
  for (int bit = 30; bit >= 0; --bit) {
    whole *= 2;
    add(rest);
    if ((count >> bit & 1) != 0) add(part);
  }
  return whole;
}

// The same over decimals of one type, without a float that may fall short of a bucket's begin.
ColumnPtr exact_width_bucket_kernel(const std::vector<ColumnPtr>& a, int64_t rows,
                                    const DataType& type) {
  const int scale = a[0]->type().scale();
  return build_fixed<int64_t>(a, rows, type, [&](const FlatColumns& c, int64_t i) -> int64_t {
    const Int128 x = c[0]->values<Int128>()[i];
    const Int128 low = c[1]->values<Int128>()[i];
    const Int128 high = c[2]->values<Int128>()[i];
    const int64_t count = int64_at(*c[3], i);
    if (count < 1 || count > kMostBuckets || low == high) {
      bad_buckets(format_decimal(x, scale), format_decimal(low, scale), format_decimal(high, scale),
                  count);
    }
    const bool down = high < low;
    if (down ? x > low : x < low) return 0;
    if (down ? x <= high : x >= high) return count + 1;
    // Distances between values of both signs need the 128th bit.
    const auto distance = [&](Int128 to) {
      return down ? static_cast<unsigned __int128>(low) - static_cast<unsigned __int128>(to)
                  : static_cast<unsigned __int128>(to) - static_cast<unsigned __int128>(low);
    };
    return share_of(distance(x), distance(high), count) + 1;
  });
}

// Decimals and integers are counted exactly if a decimal holds them all; a literal such as 0.5 is
// one beside a decimal.
void refine_width_bucket(const std::vector<BoundExpressionPtr>& arguments, ResolvedFunction* out) {
  DataType common;
  bool any_decimal = false;
  bool any_literal = false;
  int whole = 0;
  for (size_t i = 0; i < 3; ++i) {
    const BoundExpression& argument = *arguments[i];
    const DataType& type = argument.exact ? argument.exact->type : argument.type;
    if (type.is_float()) return;
    if (type.is_null()) continue;
    any_literal = any_literal || argument.exact;
    any_decimal = any_decimal || argument.type.id() == TypeId::kDecimal128;
    const DataType decimal = decimal_of(type);
    whole = std::max(whole, decimal.precision() - decimal.scale());
    common = *common_type(common, decimal);
  }
  if (common.is_null() || (any_literal && !any_decimal)) return;
  if (common.precision() - common.scale() < whole) return;
  out->argument_types = {common, common, common, kInt64};
  out->kernel = exact_width_bucket_kernel;
}

std::optional<ResolvedFunction> resolve_whole(const std::vector<DataType>& types,
                                              const DataType& result, ScalarKernel kernel) {
  for (const DataType& type : types) {
    if (!type.is_integer() && !type.is_null()) return std::nullopt;
  }
  return ResolvedFunction{std::vector<DataType>(types.size(), kInt64), result, kernel, true};
}

std::optional<ResolvedFunction> resolve_width_bucket(const std::vector<DataType>& types) {
  for (size_t i = 0; i < 3; ++i) {
    if (!types[i].is_numeric() && !types[i].is_null()) return std::nullopt;
  }
  if (!types[3].is_integer() && !types[3].is_null()) return std::nullopt;
  return ResolvedFunction{
      {kFloat64, kFloat64, kFloat64, kInt64}, kInt64, width_bucket_kernel, true};
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
  registry->add({"trunc", group, "trunc(x [, digits])", "x without what is behind the digits", 1, 2,
                 resolve_to_digits<cut_fraction, Rounding::kCut>});
  registry->add_alias("truncate", "trunc");
  registry->add({"round", group, "round(x [, digits])", "Nearest value, half away from zero", 1, 2,
                 resolve_to_digits<round_half, Rounding::kHalf>});
  registry->add(
      {"sqrt", group, "sqrt(x)", "Square root; NaN below 0", 1, 1, resolve_float64<square_root>});
  registry->add({"cbrt", group, "cbrt(x)", "Cube root", 1, 1, resolve_float64<cube_root>});
  registry->add(
      {"exp", group, "exp(x)", "e to the power of x", 1, 1, resolve_float64<exponential>});
  registry->add({"ln", group, "ln(x)", "Natural logarithm", 1, 1, resolve_float64<natural_log>});
  registry->add(
      {"log10", group, "log10(x)", "Decimal logarithm", 1, 1, resolve_float64<decimal_log>});
  registry->add(
      {"log", group, "log([base,] x)", "Logarithm, decimal or of the base", 1, 2, resolve_log});
  registry->add({"log2", group, "log2(x)", "Binary logarithm", 1, 1, resolve_float64<binary_log>});
  registry->add(
      {"power", group, "power(x, y)", "x to the power of y", 2, 2, resolve_pair<power_of>});
  registry->add_alias("pow", "power");
  registry->add({"sin", group, "sin(x)", "Sine of radians", 1, 1, resolve_float64<sine>});
  registry->add({"cos", group, "cos(x)", "Cosine of radians", 1, 1, resolve_float64<cosine>});
  registry->add({"tan", group, "tan(x)", "Tangent of radians", 1, 1, resolve_float64<tangent>});
  registry->add({"cot", group, "cot(x)", "Cotangent of radians", 1, 1, resolve_float64<cotangent>});
  registry->add({"asin", group, "asin(x)", "Arc sine in radians; NaN beyond 1", 1, 1,
                 resolve_float64<arc_sine>});
  registry->add({"acos", group, "acos(x)", "Arc cosine in radians; NaN beyond 1", 1, 1,
                 resolve_float64<arc_cosine>});
  registry->add(
      {"atan", group, "atan(x)", "Arc tangent in radians", 1, 1, resolve_float64<arc_tangent>});
  registry->add(
      {"sinh", group, "sinh(x)", "Hyperbolic sine", 1, 1, resolve_float64<hyperbolic_sine>});
  registry->add(
      {"cosh", group, "cosh(x)", "Hyperbolic cosine", 1, 1, resolve_float64<hyperbolic_cosine>});
  registry->add(
      {"tanh", group, "tanh(x)", "Hyperbolic tangent", 1, 1, resolve_float64<hyperbolic_tangent>});
  registry->add(
      {"degrees", group, "degrees(x)", "Radians in degrees", 1, 1, resolve_float64<to_degrees>});
  registry->add(
      {"radians", group, "radians(x)", "Degrees in radians", 1, 1, resolve_float64<to_radians>});
  registry->add({"pi", group, "pi()", "3.141592653589793", 0, 0, [](const std::vector<DataType>&) {
                   return std::optional(ResolvedFunction{{}, kFloat64, pi_kernel});
                 }});
  registry->add(
      {"isnan", group, "isnan(x)", "Whether x is NaN", 1, 1, resolve_float_test<FloatTest::kNan>});
  registry->add({"isinf", group, "isinf(x)", "Whether x is infinite", 1, 1,
                 resolve_float_test<FloatTest::kInfinite>});
  registry->add({"isfinite", group, "isfinite(x)", "Whether x is neither infinite nor NaN", 1, 1,
                 resolve_float_test<FloatTest::kFinite>});
  registry->add({"gcd", group, "gcd(a, b)", "Greatest common divisor", 2, 2,
                 [](const std::vector<DataType>& types) {
                   return resolve_whole(types, kInt64, divisor_kernel<false>);
                 }});
  registry->add({"lcm", group, "lcm(a, b)", "Least common multiple", 2, 2,
                 [](const std::vector<DataType>& types) {
                   return resolve_whole(types, kInt64, divisor_kernel<true>);
                 }});
  registry->add({"factorial", group, "factorial(n)", "Product of 1 to n, as decimal(38, 0)", 1, 1,
                 [](const std::vector<DataType>& types) {
                   return resolve_whole(types, DataType::decimal(38, 0), factorial_kernel);
                 }});
  registry->add({"width_bucket", group, "width_bucket(x, low, high, count)",
                 "Which of count equal parts of low to high x falls in, from 1", 4, 4,
                 resolve_width_bucket, refine_width_bucket});
  registry->add(
      {"atan2", group, "atan2(y, x)", "Angle of the point (x, y)", 2, 2, resolve_pair<angle_of>});
}

}  // namespace velaria
