#include "src/column/arrow/value_layout.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/outgoing.h"
#include "src/column/arrow/plain_rows.h"

namespace velaria {

namespace {

using ArrayPtr = std::shared_ptr<ArrowArray>;
using ArrayOwner = std::unique_ptr<Outgoing<ArrowArray>>;

[[noreturn]] void refuse(const std::string& value, std::string_view wanted,
                         std::string_view advice) {
  throw Error(ErrorKind::kTypeMismatch, concat(value, " is not ", wanted, " exactly; ", advice));
}

// ---- texts

void make_offsets64(const TextRows& texts, Outgoing<ArrowArray>* owner) {
  auto* offsets = owner->make_buffer<int64_t>(texts.rows + 1);
  if (texts.rows > 0) std::copy_n(texts.offsets, texts.rows + 1, offsets);
  owner->buffers = {texts.valid, offsets, texts.bytes};
}

// Arrow's view: the length; then the text when it has at most 12 bytes, else its first 4, the
// number of the buffer it is in, and where.
struct View {
  int32_t size;
  char begin[4];
  int32_t buffer;
  int32_t offset;
};
static_assert(sizeof(View) == 16);

void make_views(const TextRows& texts, Outgoing<ArrowArray>* owner) {
  constexpr size_t kInline = 12;
  auto* views = owner->make_buffer<View>(texts.rows);
  for (int64_t row = 0; row < texts.rows; ++row) {
    if (texts.is_null(row)) continue;
    const std::string_view text = texts.value(row);
    View& view = views[row];
    view.size = static_cast<int32_t>(text.size());
    if (text.size() <= kInline) {
      std::memcpy(view.begin, text.data(), text.size());
    } else {
      std::memcpy(view.begin, text.data(), sizeof(view.begin));
      view.offset = texts.offsets[row];
    }
  }
  auto* sizes = owner->make_buffer<int64_t>(1);
  *sizes = texts.size_bytes();
  owner->buffers = {texts.valid, views, texts.bytes, sizes};
}

// "w:16"
bool width_of(std::string_view format, int64_t* width) {
  if (format.substr(0, 2) != "w:") return false;
  const char* end = format.data() + format.size();
  const auto read = std::from_chars(format.data() + 2, end, *width);
  return read.ec == std::errc() && read.ptr == end && *width >= 0;
}

void make_fixed_texts(const TextRows& texts, int64_t first_row, int64_t width,
                      Outgoing<ArrowArray>* owner) {
  auto* bytes = owner->make_buffer<char>(texts.rows * width);
  for (int64_t row = first_row; row < texts.rows; ++row) {
    if (texts.is_null(row)) continue;
    const std::string_view value = texts.value(row);
    if (static_cast<int64_t>(value.size()) != width) {
      refuse(concat("a value of ", value.size(), " bytes"), concat("one of ", width, " bytes"),
             "request binary");
    }
    std::copy(value.begin(), value.end(), bytes + row * width);
  }
  owner->buffers = {texts.valid, bytes};
}

// ---- values of one width

// Each valid value of `column` goes through `convert`.
template <typename From, typename To, typename Convert>
void convert_each(const ArrowArray& column, Outgoing<ArrowArray>* owner, Convert&& convert) {
  const WordRows from(column, sizeof(From));
  auto* to = owner->make_buffer<To>(from.rows);
  for (int64_t row = column.offset; row < from.rows; ++row) {
    if (from.is_null(row)) continue;
    From value;
    std::memcpy(&value, from.value(row).data(), sizeof(value));
    to[row] = convert(value);
  }
  owner->buffers = {from.valid, to};
}

int64_t per_second(char unit) {
  switch (unit) {
    case 's': return 1;
    case 'm': return 1'000;
    case 'u': return 1'000'000;
    default: return 1'000'000'000;
  }
}

const char* name_of_unit(char unit) {
  switch (unit) {
    case 's': return "seconds";
    case 'm': return "milliseconds";
    default: return "microseconds";
  }
}

// Microseconds since midnight in seconds or milliseconds.
void make_coarse_times(const ArrowArray& column, char unit, Outgoing<ArrowArray>* owner) {
  const int64_t divisor = per_second('u') / per_second(unit);
  convert_each<int64_t, int32_t>(column, owner, [&](int64_t micros) {
    if (micros % divisor != 0) {
      refuse(concat("a time of ", micros, " microseconds"),
             concat("a number of ", name_of_unit(unit)), "request time64[us]");
    }
    return static_cast<int32_t>(micros / divisor);
  });
}

// Arrow's interval, which ours goes out as.
struct MonthDayNano {
  int32_t months;
  int32_t days;
  int64_t nanos;

  std::string text() const {
    return concat("an interval of ", months, " months, ", days, " days and ", nanos,
                  " nanoseconds");
  }
};

constexpr std::string_view kRequestInterval = "request month_day_nano_interval";

void make_durations(const ArrowArray& column, char unit, Outgoing<ArrowArray>* owner) {
  const int64_t divisor = per_second('n') / per_second(unit);
  convert_each<MonthDayNano, int64_t>(column, owner, [&](const MonthDayNano& value) {
    if (value.months != 0 || value.days != 0 || value.nanos % divisor != 0) {
      refuse(value.text(),
             concat("a duration[", unit == 'm' ? "ms" : std::string(1, unit),
                    unit == 'u' || unit == 'n' ? "s]" : "]"),
             kRequestInterval);
    }
    return value.nanos / divisor;
  });
}

void make_months(const ArrowArray& column, Outgoing<ArrowArray>* owner) {
  convert_each<MonthDayNano, int32_t>(column, owner, [](const MonthDayNano& value) {
    if (value.days != 0 || value.nanos != 0) {
      refuse(value.text(), "a number of months", kRequestInterval);
    }
    return value.months;
  });
}

struct DayMilli {
  int32_t days;
  int32_t millis;
};

void make_days(const ArrowArray& column, Outgoing<ArrowArray>* owner) {
  constexpr int64_t kNanosOfMilli = 1'000'000;
  convert_each<MonthDayNano, DayMilli>(column, owner, [](const MonthDayNano& value) {
    const int64_t millis = value.nanos / kNanosOfMilli;
    if (value.months != 0 || value.nanos % kNanosOfMilli != 0 ||
        millis != static_cast<int32_t>(millis)) {
      refuse(value.text(), "a number of days and milliseconds", kRequestInterval);
    }
    return DayMilli{value.days, static_cast<int32_t>(millis)};
  });
}

// IEEE half precision. False when `value` has too many digits or is too large. Of a NaN only that
// it is one is kept, and its sign.
bool float_to_half(float value, uint16_t* out) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t fraction = bits & 0x7FFFFF;
  const int exponent = static_cast<int>(bits >> 23 & 0xFF) - 127;
  constexpr uint32_t kLostBits = 0x1FFF;
  if (exponent == 128) {
    *out = static_cast<uint16_t>(sign | 0x7C00 | (fraction != 0 ? 0x200 : 0));
    return true;
  }
  if (exponent > 15 || (exponent >= -14 && (fraction & kLostBits) != 0)) return false;
  if (exponent >= -14) {
    *out = static_cast<uint16_t>(sign | (exponent + 15) << 10 | fraction >> 13);
    return true;
  }
  // Subnormal: a count of 2^-24, below 2^10.
  const float count = std::fabs(value) * 16777216.0f;
  *out = static_cast<uint16_t>(sign | static_cast<uint16_t>(count));
  return count == std::floor(count);
}

void make_halves(const ArrowArray& column, Outgoing<ArrowArray>* owner) {
  convert_each<float, uint16_t>(column, owner, [](float value) {
    uint16_t half = 0;
    if (!float_to_half(value, &half)) {
      refuse(concat("a value of ", value), "a float16", "request float32");
    }
    return half;
  });
}

// The low words of 128-bit integers, which have no more digits than the narrow ones hold.
template <typename Narrow>
void make_narrow_decimals(const ArrowArray& column, Outgoing<ArrowArray>* owner) {
  struct Wide {
    int64_t low;
    int64_t high;
  };
  convert_each<Wide, Narrow>(column, owner, [](const Wide& value) {
    const auto narrow = static_cast<Narrow>(value.low);
    if (narrow != value.low || value.high != (value.low < 0 ? -1 : 0)) {
      refuse("a decimal of too many digits", concat("one of ", 8 * sizeof(Narrow), " bits"),
             "request decimal128");
    }
    return narrow;
  });
}

// "d:7,2" of "d:7,2,32"; 0 bits: of no other width.
int bits_of_decimal(std::string_view own, std::string_view wanted) {
  if (own.substr(0, 2) != "d:" || wanted.substr(0, own.size()) != own) return 0;
  const std::string_view rest = wanted.substr(own.size());
  int digits = 0;
  std::from_chars(own.data() + 2, own.data() + own.size(), digits);
  if (rest == ",32" && digits <= 9) return 32;
  return rest == ",64" && digits <= 18 ? 64 : 0;
}

}  // namespace

bool has_layout(std::string_view own, std::string_view wanted) {
  if (own == wanted) return true;
  int64_t width = 0;
  if (own == "u") return wanted == "U" || wanted == "vu";
  if (own == "z") return wanted == "Z" || wanted == "vz" || width_of(wanted, &width);
  if (own == "tdD") return wanted == "tdm";
  if (own == "ttu") return wanted == "ttn" || wanted == "ttm" || wanted == "tts";
  if (own == "f") return wanted == "e";
  if (own == "tin") {
    return wanted == "tDs" || wanted == "tDm" || wanted == "tDu" || wanted == "tDn" ||
           wanted == "tiM" || wanted == "tiD";
  }
  return bits_of_decimal(own, wanted) != 0;
}

void lay_out_values(const ArrayPtr& source, const ArrowArray& column, std::string_view own,
                    std::string_view wanted, ArrowArray* out) {
  if (own == wanted) return share(source, column, out);
  auto owner = std::make_unique<Outgoing<ArrowArray>>();
  owner->source = source;
  int64_t width = 0;
  if (wanted == "U" || wanted == "Z") {
    make_offsets64(TextRows(column), owner.get());
  } else if (wanted == "vu" || wanted == "vz") {
    make_views(TextRows(column), owner.get());
  } else if (width_of(wanted, &width)) {
    make_fixed_texts(TextRows(column), column.offset, width, owner.get());
  } else if (wanted == "tdm") {
    convert_each<int32_t, int64_t>(column, owner.get(),
                                   [](int32_t days) { return int64_t{days} * 86'400'000; });
  } else if (wanted == "ttn") {
    convert_each<int64_t, int64_t>(column, owner.get(),
                                   [](int64_t micros) { return micros * 1000; });
  } else if (wanted == "ttm" || wanted == "tts") {
    make_coarse_times(column, wanted[2], owner.get());
  } else if (wanted == "e") {
    make_halves(column, owner.get());
  } else if (wanted == "tiM") {
    make_months(column, owner.get());
  } else if (wanted == "tiD") {
    make_days(column, owner.get());
  } else if (wanted.substr(0, 2) == "tD") {
    make_durations(column, wanted[2], owner.get());
  } else if (bits_of_decimal(own, wanted) == 32) {
    make_narrow_decimals<int32_t>(column, owner.get());
  } else {
    make_narrow_decimals<int64_t>(column, owner.get());
  }
  *out = column;
  hand_out_array(std::move(owner), out);
}

}  // namespace velaria
