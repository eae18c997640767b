#include "src/column/calendar.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "src/base/text.h"

namespace velaria {

// Source of the day arithmetic: a year that starts in March has its leap day last, and 400 years
// have exactly 146097 days.
int64_t days_from_civil(const CivilDate& date) {
  const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const int64_t era = floor_div(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t shifted_month = (date.month + 9) % 12;  // March = 0
  const int64_t day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

CivilDate civil_from_days(int64_t days) {
  const int64_t shifted = days + 719468;
  const int64_t era = floor_div(shifted, 146097);
  const int64_t day_of_era = shifted - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  date.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

bool is_leap_year(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : kDays[month - 1];
}

bool is_real_date(const CivilDate& date) {
  return date.month >= 1 && date.month <= 12 && date.day >= 1 &&
         date.day <= days_in_month(date.year, date.month);
}

std::string format_date(int32_t days) {
  const CivilDate date = civil_from_days(days);
  char text[48];
  std::snprintf(text, sizeof(text), "%s%04lld-%02d-%02d", date.year < 0 ? "-" : "",
                static_cast<long long>(std::llabs(date.year)), date.month, date.day);
  return text;
}

namespace {

void append_fraction(std::string* out, int64_t fraction, int digits) {
  if (fraction == 0) return;
  char text[24];
  std::snprintf(text, sizeof(text), ".%0*lld", digits, static_cast<long long>(fraction));
  std::string_view kept = text;
  while (kept.back() == '0') kept.remove_suffix(1);
  *out += kept;
}

int fraction_digits(TimeUnit unit) { return static_cast<int>(unit) * 3; }

std::string clock_text(int64_t second_of_day) {
  char text[48];
  std::snprintf(text, sizeof(text), "%02d:%02d:%02d", static_cast<int>(second_of_day / 3600),
                static_cast<int>(second_of_day / 60 % 60), static_cast<int>(second_of_day % 60));
  return text;
}

}  // namespace

std::string format_time(int64_t micros) {
  std::string out = clock_text(micros / 1000000);
  append_fraction(&out, micros % 1000000, 6);
  return out;
}

std::string format_timestamp(int64_t value, const DataType& type) {
  const int64_t per_second = units_per_second(type.unit());
  const int64_t seconds = floor_div(value, per_second);
  const int64_t days = floor_div(seconds, 86400);
  std::string out;
  if (days >= std::numeric_limits<int32_t>::min() && days <= std::numeric_limits<int32_t>::max()) {
    out = format_date(static_cast<int32_t>(days));
  } else {
    out = concat("day ", days);
  }
  out += ' ';
  out += clock_text(floor_mod(seconds, 86400));
  append_fraction(&out, floor_mod(value, per_second), fraction_digits(type.unit()));
  if (!type.time_zone().empty()) out += "+00";
  return out;
}

std::string format_interval(const Interval& interval) {
  std::vector<std::string> parts;
  const auto add = [&](int64_t amount, const char* unit) {
    if (amount != 0) {
      parts.push_back(concat(amount, " ", unit, amount == 1 || amount == -1 ? "" : "s"));
    }
  };
  add(interval.months / 12, "year");
  add(interval.months % 12, "month");
  add(interval.days, "day");
  if (interval.micros != 0 || parts.empty()) {
    const bool negative = interval.micros < 0;
    const uint64_t micros = negative ? 0 - static_cast<uint64_t>(interval.micros)
                                     : static_cast<uint64_t>(interval.micros);
    char clock[48];
    std::snprintf(clock, sizeof(clock), "%s%02llu:%02llu:%02llu", negative ? "-" : "",
                  static_cast<unsigned long long>(micros / 3600000000ULL),
                  static_cast<unsigned long long>(micros / 60000000ULL % 60),
                  static_cast<unsigned long long>(micros / 1000000ULL % 60));
    std::string text = clock;
    append_fraction(&text, static_cast<int64_t>(micros % 1000000ULL), 6);
    parts.push_back(text);
  }
  return join_texts(parts, " ");
}

namespace {

// A cursor over text; each read either consumes exactly what it says or fails.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}
  bool done() const { return position_ == text_.size(); }
  char peek() const { return done() ? '\0' : text_[position_]; }
  bool take(char c) {
    if (peek() != c || done()) return false;
    ++position_;
    return true;
  }
  // Exactly `digits` digits.
  bool number(int digits, int64_t* out) {
    int64_t value = 0;
    for (int i = 0; i < digits; ++i) {
      if (done() || peek() < '0' || peek() > '9') return false;
      value = value * 10 + (text_[position_++] - '0');
    }
    *out = value;
    return true;
  }
  // 1 to `most` digits; `count` says how many.
  bool digits(int most, int64_t* out, int* count) {
    int64_t value = 0;
    *count = 0;
    while (!done() && peek() >= '0' && peek() <= '9') {
      if (*count == most) return false;
      value = value * 10 + (text_[position_++] - '0');
      ++*count;
    }
    *out = value;
    return *count > 0;
  }

 private:
  std::string_view text_;
  size_t position_ = 0;
};

bool read_date(TextCursor* cursor, int64_t* days) {
  CivilDate date;
  int64_t month = 0;
  int64_t day = 0;
  if (!cursor->number(4, &date.year) || !cursor->take('-') || !cursor->number(2, &month) ||
      !cursor->take('-') || !cursor->number(2, &day)) {
    return false;
  }
  date.month = static_cast<int>(month);
  date.day = static_cast<int>(day);
  if (!is_real_date(date)) return false;
  *days = days_from_civil(date);
  return true;
}

// Seconds of the day and a fraction scaled to nanoseconds.
bool read_clock(TextCursor* cursor, int64_t* seconds, int64_t* nanos) {
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  *nanos = 0;
  if (!cursor->number(2, &hour) || !cursor->take(':') || !cursor->number(2, &minute)) return false;
  if (cursor->take(':')) {
    if (!cursor->number(2, &second)) return false;
    if (cursor->take('.')) {
      int count = 0;
      if (!cursor->digits(9, nanos, &count)) return false;
      for (; count < 9; ++count) *nanos *= 10;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  *seconds = hour * 3600 + minute * 60 + second;
  return true;
}

}  // namespace

std::optional<int32_t> parse_date(std::string_view text) {
  TextCursor cursor(text);
  int64_t days = 0;
  if (!read_date(&cursor, &days) || !cursor.done()) return std::nullopt;
  return static_cast<int32_t>(days);
}

std::optional<int64_t> parse_time(std::string_view text) {
  TextCursor cursor(text);
  int64_t seconds = 0;
  int64_t nanos = 0;
  if (!read_clock(&cursor, &seconds, &nanos) || !cursor.done() || nanos % 1000 != 0) {
    return std::nullopt;
  }
  return seconds * 1000000 + nanos / 1000;
}

std::optional<int64_t> parse_timestamp(std::string_view text, TimeUnit unit, bool* had_offset) {
  TextCursor cursor(text);
  int64_t days = 0;
  int64_t seconds = 0;
  int64_t nanos = 0;
  *had_offset = false;
  if (!read_date(&cursor, &days)) return std::nullopt;
  if (!cursor.done()) {
    if (!cursor.take(' ') && !cursor.take('T')) return std::nullopt;
    if (!read_clock(&cursor, &seconds, &nanos)) return std::nullopt;
    if (cursor.take('Z')) {
      *had_offset = true;
    } else if (cursor.peek() == '+' || cursor.peek() == '-') {
      const bool west = cursor.peek() == '-';
      cursor.take(cursor.peek());
      int64_t hours = 0;
      int64_t minutes = 0;
      if (!cursor.number(2, &hours)) return std::nullopt;
      if (!cursor.done()) {
        cursor.take(':');
        if (!cursor.number(2, &minutes)) return std::nullopt;
      }
      if (hours > 18 || minutes > 59) return std::nullopt;
      seconds += (west ? 1 : -1) * (hours * 3600 + minutes * 60);
      *had_offset = true;
    }
  }
  if (!cursor.done()) return std::nullopt;
  const int64_t per_second = units_per_second(unit);
  const int64_t nanos_per_unit = 1000000000 / per_second;
  if (nanos % nanos_per_unit != 0) return std::nullopt;
  // The whole seconds alone may be before the first time that there is.
  const Int128 value =
      static_cast<Int128>(days * 86400 + seconds) * per_second + nanos / nanos_per_unit;
  if (value < INT64_MIN || value > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::optional<Interval> parse_interval(std::string_view text) {
  Interval out;
  size_t position = 0;
  bool any = false;
  const auto skip_spaces = [&] {
    while (position < text.size() && text[position] == ' ') ++position;
  };
  for (skip_spaces(); position < text.size(); skip_spaces()) {
    size_t end = text.find(' ', position);
    if (end == std::string_view::npos) end = text.size();
    std::string_view word = text.substr(position, end - position);
    if (word.find(':') != std::string_view::npos) {
      // A clock of any number of hours: format_interval() writes such ones.
      const int64_t sign = word.front() == '-' ? -1 : 1;
      if (sign < 0) word.remove_prefix(1);
      const size_t colon = word.find(':');
      TextCursor hours_text(word.substr(0, colon));
      int64_t hours = 0;
      int hour_digits = 0;
      if (!hours_text.digits(12, &hours, &hour_digits) || !hours_text.done()) return std::nullopt;
      const auto rest = parse_time(concat("00", word.substr(colon)));
      int64_t micros = 0;
      if (!rest || __builtin_mul_overflow(sign * hours, int64_t{3600000000}, &micros) ||
          __builtin_add_overflow(micros, sign * *rest, &micros) ||
          __builtin_add_overflow(out.micros, micros, &out.micros)) {
        return std::nullopt;
      }
      position = end;
      any = true;
      continue;
    }
    char* number_end = nullptr;
    const std::string number(word);
    errno = 0;
    const bool negative = number.front() == '-';
    const long long amount = std::strtoll(number.c_str(), &number_end, 10);
    if (number_end == number.c_str() || errno != 0) return std::nullopt;
    // "1.5": up to nine digits, exactly.
    Int128 fraction = 0;
    int64_t fraction_scale = 1;
    if (*number_end == '.') {
      for (++number_end; *number_end >= '0' && *number_end <= '9'; ++number_end) {
        if (fraction_scale == 1000000000) return std::nullopt;
        fraction = fraction * 10 + (negative ? '0' - *number_end : *number_end - '0');
        fraction_scale *= 10;
      }
    }
    std::string unit(number_end);
    position = end;
    if (unit.empty()) {
      skip_spaces();
      end = text.find(' ', position);
      if (end == std::string_view::npos) end = text.size();
      unit = std::string(text.substr(position, end - position));
      position = end;
    }
    unit = to_lower_ascii(unit);
    if (unit.size() > 1 && unit.back() == 's' && unit != "ms" && unit != "us") unit.pop_back();
    struct Unit {
      const char* name;
      int64_t months;
      int64_t days;
      int64_t micros;
    };
    constexpr Unit kUnits[] = {
        {"millennium", 12000, 0, 0},
        {"century", 1200, 0, 0},
        {"decade", 120, 0, 0},
        {"year", 12, 0, 0},
        {"quarter", 3, 0, 0},
        {"month", 1, 0, 0},
        {"mon", 1, 0, 0},
        {"week", 0, 7, 0},
        {"day", 0, 1, 0},
        {"hour", 0, 0, 3600000000},
        {"minute", 0, 0, 60000000},
        {"second", 0, 0, 1000000},
        {"millisecond", 0, 0, 1000},
        {"microsecond", 0, 0, 1},
        {"h", 0, 0, 3600000000},
        {"min", 0, 0, 60000000},
        {"s", 0, 0, 1000000},
        {"ms", 0, 0, 1000},
        {"us", 0, 0, 1},
        {"d", 0, 1, 0},
    };
    const Unit* found = nullptr;
    for (const Unit& known : kUnits) {
      if (unit == known.name) found = &known;
    }
    if (found == nullptr) return std::nullopt;
    int64_t months = 0;
    int64_t days = 0;
    int64_t micros = 0;
    if (__builtin_mul_overflow(amount, found->months, &months) ||
        __builtin_mul_overflow(amount, found->days, &days) ||
        __builtin_mul_overflow(amount, found->micros, &micros)) {
      return std::nullopt;
    }
    // A fraction of years is months, of months and weeks days, of days time: as in Postgres.
    const Int128 part_months = fraction * found->months / fraction_scale;
    const Int128 month_rest = fraction * found->months % fraction_scale;
    const Int128 scaled_days = found->months == 1 ? month_rest * 30 : fraction * found->days;
    const Int128 part_micros =
        scaled_days % fraction_scale * 86400000000 + fraction * found->micros;
    if (found->months > 1 && month_rest != 0) return std::nullopt;
    if (part_micros % fraction_scale != 0) return std::nullopt;
    if (__builtin_add_overflow(months, static_cast<int64_t>(part_months), &months) ||
        __builtin_add_overflow(days, static_cast<int64_t>(scaled_days / fraction_scale), &days) ||
        __builtin_add_overflow(micros, static_cast<int64_t>(part_micros / fraction_scale),
                               &micros) ||
        __builtin_add_overflow(months, out.months, &out.months) ||
        __builtin_add_overflow(days, out.days, &out.days) ||
        __builtin_add_overflow(micros, out.micros, &out.micros)) {
      return std::nullopt;
    }
    any = true;
  }
  if (!any) return std::nullopt;
  return out;
}

}  // namespace velaria
