#include "src/kernel/cast.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/nested_cast.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

constexpr int64_t kSecondsPerDay = 86400;
constexpr int kMostScale = 38;  // of a decimal

[[noreturn]] void cast_failed(const std::string& value, const DataType& from, const DataType& to) {
  throw Error(ErrorKind::kTypeMismatch,
              concat("cannot cast ", from.is_string() ? quote_sql_string(excerpt(value)) : value,
                     " from ", from.to_string(), " to ", to.to_string(),
                     "; use TRY_CAST to get NULL for such values"));
}

[[noreturn]] void offset_without_zone(std::string_view text, const DataType& from,
                                      const DataType& to) {
  throw Error(ErrorKind::kTypeMismatch,
              concat("cannot cast ", quote_sql_string(excerpt(text)), " from ", from.to_string(),
                     " to ", to.to_string(), ": the text has a time zone and the type has none; ",
                     "cast to TIMESTAMPTZ, or use TRY_CAST to get NULL for such values"));
}

// Runs `convert(value) -> optional<To>` over every valid row. Null slots are never looked at.
template <typename From, typename To, typename Convert>
ColumnPtr convert_rows(const Column& column, const DataType& to, CastMode mode, Convert convert) {
  const int64_t rows = column.length();
  auto out = Buffer::allocate(static_cast<size_t>(rows) * sizeof(To));
  To* result = reinterpret_cast<To*>(out->mutable_data());
  const From* values = column.values<From>();
  const Validity& validity = column.validity();
  ValidityBuilder present;
  for (int64_t i = 0; i < rows; ++i) {
    if (!validity.valid(i)) {
      result[i] = To();
      present.append(false);
      continue;
    }
    const std::optional<To> converted = convert(values[i]);
    if (!converted && mode == CastMode::kStrict) {
      cast_failed(column.value(i).to_string(), column.type(), to);
    }
    result[i] = converted ? *converted : To();
    present.append(converted.has_value());
  }
  return Column::flat(to, rows, std::move(out), 0, present.finish());
}

// Casts that cannot fail, over all slots: loops that vectorize.
template <typename From, typename To>
ColumnPtr widen_rows(const Column& column, const DataType& to) {
  const int64_t rows = column.length();
  auto out = Buffer::allocate(static_cast<size_t>(rows) * sizeof(To));
  To* result = reinterpret_cast<To*>(out->mutable_data());
  const From* values = column.values<From>();
  for (int64_t i = 0; i < rows; ++i) result[i] = static_cast<To>(values[i]);
  return Column::flat(to, rows, std::move(out), 0, column.validity());
}

template <typename From, typename To>
constexpr bool integer_always_fits() {
  return static_cast<Int128>(std::numeric_limits<From>::min()) >=
             static_cast<Int128>(std::numeric_limits<To>::min()) &&
         static_cast<Int128>(std::numeric_limits<From>::max()) <=
             static_cast<Int128>(std::numeric_limits<To>::max());
}

template <typename From, typename To>
std::optional<To> integer_to_integer(From value) {
  const auto wide = static_cast<Int128>(value);
  if (wide < static_cast<Int128>(std::numeric_limits<To>::min()) ||
      wide > static_cast<Int128>(std::numeric_limits<To>::max())) {
    return std::nullopt;
  }
  return static_cast<To>(value);
}

template <typename To>
std::optional<To> float_to_integer(double value) {
  const double rounded = std::nearbyint(value);
  // The upper limit as a double is one above the largest value of a 64-bit type.
  const double lower = static_cast<double>(std::numeric_limits<To>::min());
  const double upper = std::ldexp(1.0, std::numeric_limits<To>::digits);
  if (!(rounded >= lower && rounded < upper)) return std::nullopt;
  return static_cast<To>(rounded);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <typename To>
std::optional<To> text_to_number(std::string_view text) {
  text = trim(text);
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) return std::nullopt;
  }
  To value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint8_t> text_to_bool(std::string_view text) {
  const std::string folded = to_lower_ascii(trim(text));
  for (const char* yes : {"true", "t", "yes", "y", "on", "1"}) {
    if (folded == yes) return uint8_t{1};
  }
  for (const char* no : {"false", "f", "no", "n", "off", "0"}) {
    if (folded == no) return uint8_t{0};
  }
  return std::nullopt;
}

std::optional<int64_t> rescale_timestamp(int64_t value, TimeUnit from, TimeUnit to) {
  const int64_t from_units = units_per_second(from);
  const int64_t to_units = units_per_second(to);
  if (to_units >= from_units) {
    int64_t out = 0;
    if (__builtin_mul_overflow(value, to_units / from_units, &out)) return std::nullopt;
    return out;
  }
  return floor_div(value, from_units / to_units);
}

std::optional<Int128> rescale_decimal(Int128 value, int from, int to, int precision) {
  if (to >= from) {
    const Int128 factor = power_of_ten(to - from);
    if (__builtin_mul_overflow(value, factor, &value)) return std::nullopt;
  } else {
    const Int128 factor = power_of_ten(from - to);
    const Int128 rest = value % factor;
    value /= factor;
    if (rest >= factor / 2 + factor % 2) ++value;
    if (-rest >= factor / 2 + factor % 2) --value;
  }
  const Int128 limit = power_of_ten(precision);
  if (value >= limit || value <= -limit) return std::nullopt;
  return value;
}

ColumnPtr to_text(const Column& column, const DataType& to) {
  StringBuilder builder(to);
  for (int64_t i = 0; i < column.length(); ++i) {
    if (column.is_null(i)) {
      builder.append_null();
    } else {
      builder.append(column.value(i).to_string());
    }
  }
  return builder.finish();
}

ColumnPtr text_to_vector(const Column& column, const DataType& to, CastMode mode) {
  VectorBuilder builder(to);
  for (int64_t i = 0; i < column.length(); ++i) {
    if (column.is_null(i)) {
      builder.append_null();
      continue;
    }
    const std::string_view text = column.values<StringView>()[i].text();
    const std::optional<std::vector<float>> elements = parse_vector(text);
    if (elements && static_cast<int32_t>(elements->size()) == to.list_size()) {
      builder.append(elements->data());
    } else if (mode == CastMode::kTry) {
      builder.append_null();
    } else if (elements) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("vector ", quote_sql_string(excerpt(text)), " has dimension ",
                         elements->size(), ", but dimension ", to.list_size(),
                         " is needed; compare vectors of one dimension, or use TRY_CAST to get "
                         "NULL for such values"));
    } else {
      cast_failed(std::string(text), column.type(), to);
    }
  }
  return builder.finish();
}

template <typename To>
ColumnPtr text_to_fixed(const Column& column, const DataType& to, CastMode mode) {
  return convert_rows<StringView, To>(
      column, to, mode, [&](const StringView& view) -> std::optional<To> {
        const std::string_view text = view.text();
        if constexpr (std::is_same_v<To, Interval>) {
          return parse_interval(trim(text));
        } else if constexpr (std::is_same_v<To, Int128>) {
          const auto value = parse_decimal(trim(text), to.scale());
          const Int128 limit = power_of_ten(to.precision());
          if (value && (*value >= limit || *value <= -limit)) return std::nullopt;
          return value;
        } else {
          switch (to.id()) {
            case TypeId::kBool:
              if (const auto value = text_to_bool(text)) return static_cast<To>(*value);
              return std::nullopt;
            case TypeId::kDate32:
              if (const auto value = parse_date(trim(text))) return static_cast<To>(*value);
              return std::nullopt;
            case TypeId::kTime64:
              if (const auto value = parse_time(trim(text))) return static_cast<To>(*value);
              return std::nullopt;
            case TypeId::kTimestamp: {
              bool had_offset = false;
              const auto value = parse_timestamp(trim(text), to.unit(), &had_offset);
              if (!value) return std::nullopt;
              if (had_offset && to.time_zone().empty()) {
                // Neither clock is what was written: that of UTC is another, and the one written
                // loses its zone.
                if (mode == CastMode::kStrict) offset_without_zone(text, column.type(), to);
                return std::nullopt;
              }
              return static_cast<To>(*value);
            }
            default: return text_to_number<To>(text);
          }
        }
      });
}

template <typename From>
ColumnPtr integer_to(const Column& column, const DataType& to, CastMode mode) {
  switch (to.id()) {
    case TypeId::kBool:
      return convert_rows<From, uint8_t>(column, to, mode, [](From v) -> std::optional<uint8_t> {
        return static_cast<uint8_t>(v != 0);
      });
    case TypeId::kFloat32: return widen_rows<From, float>(column, to);
    case TypeId::kFloat64: return widen_rows<From, double>(column, to);
    case TypeId::kDecimal128:
      if (to.scale() == 0 && std::numeric_limits<From>::digits10 < to.precision()) {
        return widen_rows<From, Int128>(column, to);
      }
      return convert_rows<From, Int128>(column, to, mode, [&](From v) {
        return rescale_decimal(static_cast<Int128>(v), 0, to.scale(), to.precision());
      });
    default: break;
  }
  return visit_stored_type(to, [&](auto tag) -> ColumnPtr {
    using To = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<To>) {
      if constexpr (integer_always_fits<From, To>()) return widen_rows<From, To>(column, to);
      return convert_rows<From, To>(column, to, mode, integer_to_integer<From, To>);
    } else {
      throw Error(ErrorKind::kInternal, "integer cast to " + to.to_string());
    }
  });
}

template <typename From>
ColumnPtr float_to(const Column& column, const DataType& to, CastMode mode) {
  switch (to.id()) {
    case TypeId::kBool:
      return convert_rows<From, uint8_t>(column, to, mode, [](From v) -> std::optional<uint8_t> {
        return static_cast<uint8_t>(v != 0);
      });
    case TypeId::kFloat32:
      // The nearest one; but a finite number never becomes infinite.
      return convert_rows<From, float>(column, to, mode, [](From v) -> std::optional<float> {
        const auto narrow = static_cast<float>(v);
        if (std::isinf(narrow) && !std::isinf(v)) return std::nullopt;
        return narrow;
      });
    case TypeId::kFloat64: return widen_rows<From, double>(column, to);
    case TypeId::kDecimal128:
      return convert_rows<From, Int128>(column, to, mode, [&](From v) -> std::optional<Int128> {
        // Through the shortest text, so that 0.1 becomes 0.1 and not its binary neighbour.
        if (!std::isfinite(v)) return std::nullopt;
        char text[512];
        const auto end = std::to_chars(text, text + sizeof(text), v, std::chars_format::fixed).ptr;
        std::string_view digits(text, static_cast<size_t>(end - text));
        const size_t point = digits.find('.');
        int scale =
            point == std::string_view::npos ? 0 : static_cast<int>(digits.size() - point - 1);
        // What a tiny number has behind the digits of any decimal decides only how the last of them
        // is rounded.
        bool rounds_up = false;
        if (scale > kMostScale) {
          rounds_up = to.scale() == kMostScale && digits[point + 1 + kMostScale] >= '5';
          digits = digits.substr(0, point + 1 + kMostScale);
          scale = kMostScale;
        }
        const auto exact = parse_decimal(digits, scale);
        if (!exact) return std::nullopt;
        auto value = rescale_decimal(*exact, scale, to.scale(), to.precision());
        if (value && rounds_up) *value += v < 0 ? -1 : 1;
        return value;
      });
    default: break;
  }
  return visit_stored_type(to, [&](auto tag) -> ColumnPtr {
    using To = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<To>) {
      return convert_rows<From, To>(
          column, to, mode, [](From v) { return float_to_integer<To>(static_cast<double>(v)); });
    } else {
      throw Error(ErrorKind::kInternal, "float cast to " + to.to_string());
    }
  });
}

ColumnPtr decimal_to(const Column& column, const DataType& to, CastMode mode) {
  const int scale = column.type().scale();
  if (to.id() == TypeId::kDecimal128) {
    if (to.scale() == scale && to.precision() >= column.type().precision()) {
      return column.with_type(to);
    }
    return convert_rows<Int128, Int128>(column, to, mode, [&](Int128 v) {
      return rescale_decimal(v, scale, to.scale(), to.precision());
    });
  }
  if (to.is_float()) {
    // Both numbers are doubles exactly up to 2^53 and 10^22, so one division rounds once. Beyond,
    // the digits are read.
    constexpr Int128 kExact = Int128{1} << 53;
    const bool small_scale = scale <= 22;
    const double divisor = small_scale ? static_cast<double>(power_of_ten(scale)) : 1.0;
    const auto number = [&](Int128 v) -> std::optional<double> {
      if (small_scale && v <= kExact && v >= -kExact) {
        return static_cast<double>(static_cast<int64_t>(v)) / divisor;
      }
      return text_to_number<double>(format_decimal(v, scale));
    };
    if (to.id() == TypeId::kFloat64) return convert_rows<Int128, double>(column, to, mode, number);
    return convert_rows<Int128, float>(column, to, mode, [&](Int128 v) -> std::optional<float> {
      return static_cast<float>(*number(v));
    });
  }
  return visit_stored_type(to, [&](auto tag) -> ColumnPtr {
    using To = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<To>) {
      return convert_rows<Int128, To>(column, to, mode, [&](Int128 v) -> std::optional<To> {
        const auto whole = rescale_decimal(v, scale, 0, 38);
        if (!whole) return std::nullopt;
        return integer_to_integer<Int128, To>(*whole);
      });
    } else {
      throw Error(ErrorKind::kInternal, "decimal cast to " + to.to_string());
    }
  });
}

ColumnPtr temporal_to(const Column& column, const DataType& to, CastMode mode) {
  const DataType& from = column.type();
  if (from.id() == TypeId::kDate32 && to.id() == TypeId::kTimestamp) {
    return convert_rows<int32_t, int64_t>(column, to, mode, [&](int32_t days) {
      return rescale_timestamp(days * kSecondsPerDay, TimeUnit::kSecond, to.unit());
    });
  }
  if (from.id() == TypeId::kTimestamp && to.id() == TypeId::kTimestamp) {
    if (from.unit() == to.unit()) return column.with_type(to);
    return convert_rows<int64_t, int64_t>(
        column, to, mode, [&](int64_t v) { return rescale_timestamp(v, from.unit(), to.unit()); });
  }
  const int64_t units = units_per_second(from.unit());
  if (from.id() == TypeId::kTimestamp && to.id() == TypeId::kDate32) {
    return convert_rows<int64_t, int32_t>(column, to, mode, [&](int64_t v) {
      return integer_to_integer<int64_t, int32_t>(floor_div(floor_div(v, units), kSecondsPerDay));
    });
  }
  VELARIA_CHECK(from.id() == TypeId::kTimestamp && to.id() == TypeId::kTime64);
  return convert_rows<int64_t, int64_t>(column, to, mode, [&](int64_t v) {
    return std::optional<int64_t>(
        *rescale_timestamp(floor_mod(v, units * kSecondsPerDay), from.unit(), TimeUnit::kMicro));
  });
}

}  // namespace

std::optional<std::vector<float>> parse_vector(std::string_view text) {
  constexpr std::string_view kBetween = " ,\t\r\n";
  text = trim(text);
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::vector<float> elements;
  for (;;) {
    // At most one comma between two numbers, and none at either end.
    size_t commas = 0;
    while (!text.empty() && kBetween.find(text.front()) != std::string_view::npos) {
      commas += text.front() == ',' ? 1 : 0;
      text.remove_prefix(1);
    }
    if (commas > (elements.empty() || text.empty() ? 0 : 1)) return std::nullopt;
    if (text.empty()) return elements;
    const size_t end = std::min(text.size(), text.find_first_of(kBetween));
    const auto element = text_to_number<float>(text.substr(0, end));
    if (!element) return std::nullopt;
    elements.push_back(*element);
    text.remove_prefix(end);
  }
}

bool can_cast(const DataType& from, const DataType& to) {
  if (from == to || from.is_null()) return true;
  if (to.is_null()) return false;
  if (to.is_nested()) return false;
  if (from.id() == TypeId::kBinary) return to.id() == TypeId::kUtf8;
  if (to.id() == TypeId::kUtf8) return true;
  if (from.is_nested()) return to.is_vector() && is_list_of_floats(from);
  if (from.id() == TypeId::kUtf8) return true;
  const auto number_like = [](const DataType& t) {
    return t.is_numeric() || t.id() == TypeId::kBool;
  };
  if (number_like(from) && number_like(to)) {
    return !(from.id() == TypeId::kDecimal128 && to.id() == TypeId::kBool);
  }
  if (from.id() == TypeId::kDate32) return to.id() == TypeId::kTimestamp;
  if (from.id() == TypeId::kTimestamp) return to.is_temporal();
  return false;
}

ColumnPtr cast(const ColumnPtr& column, const DataType& to, CastMode mode) {
  const DataType& from = column->type();
  if (from == to) return column;
  if (from.is_null()) return Column::nulls(to, column->length());
  if (!can_cast(from, to)) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("there is no cast from ", from.to_string(), " to ", to.to_string()));
  }
  if (column->is_constant()) {
    if (column->is_null(0)) return Column::nulls(to, column->length());
    const ColumnPtr one = cast(flatten(column->repeat(1)), to, mode);
    return Column::constant(one->value(0), column->length());
  }
  if (column->is_dictionary()) return cast(flatten(column), to, mode);
  if (from.is_nested()) {
    return to.is_vector() ? nested_to_vector(*column, to, mode) : nested_to_text(*column, to, mode);
  }
  if (to.id() == TypeId::kUtf8) return to_text(*column, to);
  if (from.id() == TypeId::kUtf8) {
    if (to.id() == TypeId::kBinary) return column->with_type(to);
    if (to.is_vector()) return text_to_vector(*column, to, mode);
    return visit_stored_type(to, [&](auto tag) -> ColumnPtr {
      using To = typename decltype(tag)::type;
      if constexpr (std::is_same_v<To, StringView>) {
        throw Error(ErrorKind::kInternal, "text cast to text");
      } else {
        return text_to_fixed<To>(*column, to, mode);
      }
    });
  }
  if (from.is_temporal()) return temporal_to(*column, to, mode);
  if (from.id() == TypeId::kDecimal128) return decimal_to(*column, to, mode);
  return visit_stored_type(from, [&](auto tag) -> ColumnPtr {
    using From = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<From>) {
      return float_to<From>(*column, to, mode);
    } else if constexpr (std::is_integral_v<From>) {
      return integer_to<From>(*column, to, mode);
    } else {
      throw Error(ErrorKind::kInternal, "cast from " + from.to_string());
    }
  });
}

Value cast_value(const Value& value, const DataType& to) {
  if (value.type() == to) return value;
  if (value.is_null()) return Value::null(to);
  return cast(Column::constant(value, 1), to)->value(0);
}

}  // namespace velaria
