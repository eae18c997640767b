#include "src/kernel/time_format.h"

#include <algorithm>
#include <cstdio>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"

namespace velaria {

namespace {

constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                      "Friday", "Saturday", "Sunday"};

std::string_view expansion(char letter) {
  switch (letter) {
    case 'F': return "%Y-%m-%d";
    case 'T': return "%H:%M:%S";
    case 'D': return "%m/%d/%y";
    case 'R': return "%H:%M";
    default: return "";
  }
}

[[noreturn]] void bad_pattern(std::string_view pattern, const std::string& why) {
  throw Error(
      ErrorKind::kSqlSemantic,
      concat("the time pattern ", quote_sql_string(excerpt(pattern)), " ", why,
             "; known are %Y %y %m %b %B %d %e %j %H %I %p %M %S %f %L %a %A %u %w %V %G %U "
             "%W %s %z %Z %F %T %D %R %n %t %%"));
}

void append_number(std::string* out, int64_t value, int width, char pad = '0') {
  char text[32];
  std::snprintf(text, sizeof(text), pad == '0' ? "%0*lld" : "%*lld", width,
                static_cast<long long>(value));
  *out += text;
}

struct Moment {
  int64_t days = 0;
  CivilDate date;
  int64_t second_of_day = 0;
  int64_t nanos = 0;
  int64_t seconds = 0;
};

void write_letter(char letter, const Moment& m, std::string* out) {
  const int64_t monday = floor_mod(m.days + 3, 7);  // Monday = 0
  const int64_t day_of_year = m.days - days_from_civil({m.date.year, 1, 1});
  const int64_t hour = m.second_of_day / 3600;
  const int64_t thursday = m.days - monday + 3;
  switch (letter) {
    case 'Y': append_number(out, m.date.year, m.date.year < 0 ? 5 : 4); break;
    case 'y': append_number(out, floor_mod(m.date.year, 100), 2); break;
    case 'm': append_number(out, m.date.month, 2); break;
    case 'b':
    case 'h': *out += kMonths[m.date.month - 1].substr(0, 3); break;
    case 'B': *out += kMonths[m.date.month - 1]; break;
    case 'd': append_number(out, m.date.day, 2); break;
    case 'e': append_number(out, m.date.day, 2, ' '); break;
    case 'j': append_number(out, day_of_year + 1, 3); break;
    case 'H': append_number(out, hour, 2); break;
    case 'I': append_number(out, hour % 12 == 0 ? 12 : hour % 12, 2); break;
    case 'p': *out += hour < 12 ? "AM" : "PM"; break;
    case 'M': append_number(out, m.second_of_day / 60 % 60, 2); break;
    case 'S': append_number(out, m.second_of_day % 60, 2); break;
    case 'f': append_number(out, m.nanos / 1000, 6); break;
    case 'L': append_number(out, m.nanos / 1000000, 3); break;
    case 'a': *out += kDays[monday].substr(0, 3); break;
    case 'A': *out += kDays[monday]; break;
    case 'u': append_number(out, monday + 1, 1); break;
    case 'w': append_number(out, (monday + 1) % 7, 1); break;
    case 'G': append_number(out, civil_from_days(thursday).year, 4); break;
    case 'V':
      append_number(
          out, (thursday - days_from_civil({civil_from_days(thursday).year, 1, 1})) / 7 + 1, 2);
      break;
    case 'U': append_number(out, (day_of_year + 7 - (monday + 1) % 7) / 7, 2); break;
    case 'W': append_number(out, (day_of_year + 7 - monday) / 7, 2); break;
    case 's': append_number(out, m.seconds, 1); break;
    case 'z': *out += "+0000"; break;
    case 'Z': *out += "UTC"; break;
    case 'n': *out += '\n'; break;
    case 't': *out += '\t'; break;
    case '%': *out += '%'; break;
    default: VELARIA_CHECK(false);
  }
}

void write_pattern(const Moment& moment, std::string_view pattern, std::string* out) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      *out += pattern[i];
      continue;
    }
    ++i;
    const std::string_view longer = expansion(pattern[i]);
    if (longer.empty()) {
      write_letter(pattern[i], moment, out);
    } else {
      write_pattern(moment, longer, out);
    }
  }
}

bool begins_with_number(std::string_view pattern) {
  if (pattern.empty()) return false;
  if (pattern[0] != '%') return pattern[0] >= '0' && pattern[0] <= '9';
  constexpr std::string_view kNumbers = "YymdjHIMSfLuwsFTDR";
  return pattern.size() > 1 && kNumbers.find(pattern[1]) != std::string_view::npos;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool read(std::string_view pattern) {
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (is_space(pattern[i])) {
        skip_spaces();
      } else if (pattern[i] != '%') {
        if (!take(pattern[i])) return false;
      } else {
        ++i;
        number_follows_ = begins_with_number(pattern.substr(i + 1));
        const std::string_view longer = expansion(pattern[i]);
        if (!(longer.empty() ? letter(pattern[i]) : read(longer))) return false;
      }
    }
    return true;
  }

  std::optional<int64_t> finish() const {
    if (at_ != text_.size()) return std::nullopt;
    int64_t seconds = seconds_;
    if (!has_seconds_) {
      CivilDate date = date_;
      if (day_of_year_ > 0) {
        if (day_of_year_ > (is_leap_year(date.year) ? 366 : 365)) return std::nullopt;
        date = civil_from_days(days_from_civil({date.year, 1, 1}) + day_of_year_ - 1);
      }
      const std::optional<int64_t> found = hour_of_day();
      if (!found) return std::nullopt;
      const int64_t hour = *found;
      if (!is_real_date(date) || hour > 23 || minute_ > 59 || second_ > 59) return std::nullopt;
      const int64_t days = days_from_civil(date);
      if (week_day_ >= 0 && floor_mod(days + 3, 7) != week_day_) return std::nullopt;
      seconds = days * 86400 + hour * 3600 + minute_ * 60 + second_;
    }
    int64_t micros = 0;
    if (__builtin_sub_overflow(seconds, offset_seconds_, &seconds) ||
        __builtin_mul_overflow(seconds, int64_t{1000000}, &micros) ||
        __builtin_add_overflow(micros, micros_, &micros)) {
      return std::nullopt;
    }
    return micros;
  }

 private:
  // What the clock of 24 hours, that of 12 and its half say together; nothing if they disagree.
  std::optional<int64_t> hour_of_day() const {
    const int half = half_ < 0 ? (hour_ < 12 ? 0 : 1) : half_;
    if (hour_ >= 0 && half != (hour_ < 12 ? 0 : 1)) return std::nullopt;
    if (twelfth_ < 0) return std::max<int64_t>(hour_, 0);
    if (twelfth_ < 1 || twelfth_ > 12) return std::nullopt;
    // Without a half the hour of twelve is noon.
    if (half_ < 0 && hour_ < 0) return twelfth_;
    const int64_t hour = twelfth_ % 12 + 12 * half;
    if (hour_ >= 0 && hour != hour_) return std::nullopt;
    return hour;
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool digits(int least, int most, int64_t* out, int* count = nullptr) {
    int seen = 0;
    int64_t value = 0;
    while (seen < most && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      value = value * 10 + (text_[at_++] - '0');
      ++seen;
    }
    *out = value;
    if (count != nullptr) *count = seen;
    return seen >= least;
  }
  // The index of the name that the text goes on with, in full or by its first three letters.
  template <size_t N>
  bool name(const std::string_view (&names)[N], int* index) {
    for (const bool full : {true, false}) {
      for (size_t i = 0; i < N; ++i) {
        const std::string_view wanted = full ? names[i] : names[i].substr(0, 3);
        if (equals_ignore_case(text_.substr(at_, wanted.size()), wanted)) {
          at_ += wanted.size();
          *index = static_cast<int>(i);
          return true;
        }
      }
    }
    return false;
  }
  bool fraction(int width) {
    int count = 0;
    int64_t value = 0;
    if (!digits(1, width, &value, &count)) return false;
    for (; count < 6; ++count) value *= 10;
    micros_ = value;
    return true;
  }
  bool offset() {
    offset_seconds_ = 0;
    if (take('Z') || take('z')) return true;
    const bool west = at_ < text_.size() && text_[at_] == '-';
    if (!take('-') && !take('+')) return false;
    int64_t hours = 0;
    int64_t minutes = 0;
    if (!digits(2, 2, &hours)) return false;
    const bool colon = take(':');
    if (colon || (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')) {
      if (!digits(2, 2, &minutes)) return false;
    }
    if (hours > 18 || minutes > 59) return false;
    offset_seconds_ = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
  }

  bool letter(char c) {
    int64_t value = 0;
    int index = 0;
    switch (c) {
      case 'Y': {
        const bool negative = take('-');
        if (!digits(1, number_follows_ ? 4 : 6, &date_.year)) return false;
        if (negative) date_.year = -date_.year;
        return true;
      }
      case 'y':
        if (!digits(2, 2, &value)) return false;
        date_.year = value + (value < 69 ? 2000 : 1900);
        return true;
      case 'm':
        if (!digits(1, 2, &value)) return false;
        date_.month = static_cast<int>(value);
        return true;
      case 'b':
      case 'h':
      case 'B':
        if (!name(kMonths, &index)) return false;
        date_.month = index + 1;
        return true;
      case 'e': skip_spaces(); [[fallthrough]];
      case 'd':
        if (!digits(1, 2, &value)) return false;
        date_.day = static_cast<int>(value);
        return true;
      case 'j': return digits(1, 3, &day_of_year_) && day_of_year_ > 0;
      case 'I': return digits(1, 2, &twelfth_);
      case 'H': return digits(1, 2, &hour_);
      case 'p': {
        const std::string_view word = text_.substr(at_, 2);
        half_ = equals_ignore_case(word, "PM") ? 1 : 0;
        if (half_ == 0 && !equals_ignore_case(word, "AM")) return false;
        at_ += 2;
        return true;
      }
      case 'M': return digits(1, 2, &minute_);
      case 'S': return digits(1, 2, &second_);
      case 'f': return fraction(6);
      case 'L': return fraction(3);
      case 'a':
      case 'A': return name(kDays, &week_day_);
      case 'u':
        if (!digits(1, 1, &value) || value < 1 || value > 7) return false;
        week_day_ = static_cast<int>(value) - 1;
        return true;
      case 'w':
        if (!digits(1, 1, &value) || value > 6) return false;
        week_day_ = static_cast<int>((value + 6) % 7);
        return true;
      case 's': {
        const bool negative = take('-');
        has_seconds_ = true;
        if (!digits(1, 15, &seconds_)) return false;
        if (negative) seconds_ = -seconds_;
        return true;
      }
      case 'z': return offset();
      case 'n':
      case 't': skip_spaces(); return true;
      case '%': return take('%');
      default: return false;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  CivilDate date_{1900, 1, 1};
  int64_t day_of_year_ = 0;
  int64_t hour_ = -1;     // 0 to 23; -1: not given
  int64_t twelfth_ = -1;  // 1 to 12
  int64_t minute_ = 0;
  int64_t second_ = 0;
  int64_t micros_ = 0;
  int64_t seconds_ = 0;
  int64_t offset_seconds_ = 0;
  bool has_seconds_ = false;
  bool number_follows_ = false;  // directly behind the letter that is being read
  int half_ = -1;                // 0: AM, 1: PM
  int week_day_ = -1;
};

}  // namespace

void check_time_pattern(std::string_view pattern, bool for_reading) {
  constexpr std::string_view kBoth = "YymbhBdejHIpMSfLaAuwszFTDRnt%";
  constexpr std::string_view kWrittenOnly = "VGUWZ";
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (++i == pattern.size()) bad_pattern(pattern, "ends with a single %");
    if (kBoth.find(pattern[i]) != std::string_view::npos) continue;
    const bool written = kWrittenOnly.find(pattern[i]) != std::string_view::npos;
    if (written && !for_reading) continue;
    bad_pattern(pattern, concat("has %", excerpt(pattern.substr(i, 1)),
                                written ? ", which can be written but not read" : ""));
  }
}

std::string write_time(int64_t value, TimeUnit unit, std::string_view pattern) {
  const int64_t units = units_per_second(unit);
  Moment moment;
  moment.seconds = floor_div(value, units);
  moment.nanos = floor_mod(value, units) * (1000000000 / units);
  moment.days = floor_div(moment.seconds, 86400);
  moment.date = civil_from_days(moment.days);
  moment.second_of_day = floor_mod(moment.seconds, 86400);
  std::string out;
  write_pattern(moment, pattern, &out);
  return out;
}

std::optional<int64_t> read_time(std::string_view text, std::string_view pattern) {
  Reader reader(text);
  if (!reader.read(pattern)) return std::nullopt;
  return reader.finish();
}

}  // namespace velaria
