#include "src/kernel/time_zone.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"

namespace velaria {

namespace {

constexpr int64_t kDaySeconds = 86400;

class FixedZone : public TimeZone {
 public:
  explicit FixedZone(int64_t offset) : offset_(offset) {}
  int64_t offset_at(int64_t) const override { return offset_; }

 private:
  int64_t offset_;
};

// The rule behind the last transition of a file: a POSIX TZ text such as
// "CET-1CEST,M3.5.0,M10.5.0/3".
class YearlyRule {
 public:
  static std::optional<YearlyRule> parse(std::string_view text) {
    YearlyRule rule;
    Cursor cursor{text};
    if (!cursor.name() || !cursor.offset(&rule.standard_)) return std::nullopt;
    rule.standard_ = -rule.standard_;
    if (cursor.done()) return rule;
    rule.has_summer_ = true;
    if (!cursor.name()) return std::nullopt;
    if (!cursor.done() && cursor.text.front() != ',') {
      if (!cursor.offset(&rule.summer_)) return std::nullopt;
      rule.summer_ = -rule.summer_;
    } else {
      rule.summer_ = rule.standard_ + 3600;
    }
    if (!cursor.take(',') || !cursor.day(&rule.start_) || !cursor.take(',') ||
        !cursor.day(&rule.end_) || !cursor.done()) {
      return std::nullopt;
    }
    return rule;
  }

  int64_t offset_at(int64_t seconds) const {
    if (!has_summer_) return standard_;
    // The year of the standard clock decides; changes at its very end do not exist.
    const int64_t year = civil_from_days(floor_div(seconds + standard_, kDaySeconds)).year;
    const int64_t start = start_.seconds_in(year) - standard_;
    const int64_t end = end_.seconds_in(year) - summer_;
    const bool summer =
        start < end ? seconds >= start && seconds < end : !(seconds >= end && seconds < start);
    return summer ? summer_ : standard_;
  }

 private:
  struct Day {
    char kind = 'M';  // M: month, week, weekday; J: day 1-365 without 29 February; 0: day from 0
    int64_t month = 0;
    int64_t week = 0;
    int64_t day = 0;
    int64_t time = 7200;

    int64_t seconds_in(int64_t year) const {
      const int64_t january = days_from_civil({year, 1, 1});
      int64_t days = january + day;
      if (kind == 'J') days = january + day - 1 + (is_leap_year(year) && day >= 60 ? 1 : 0);
      if (kind == 'M') {
        const int64_t first = days_from_civil({year, static_cast<int>(month), 1});
        const int64_t first_weekday = floor_mod(first + 4, 7);  // Sunday = 0
        int64_t in_month = floor_mod(day - first_weekday, 7) + (week - 1) * 7;
        if (in_month >= days_in_month(year, static_cast<int>(month))) in_month -= 7;
        days = first + in_month;
      }
      return days * kDaySeconds + time;
    }
  };

  struct Cursor {
    std::string_view text;

    bool done() const { return text.empty(); }
    bool take(char c) {
      if (text.empty() || text.front() != c) return false;
      text.remove_prefix(1);
      return true;
    }
    bool number(int64_t* out) {
      size_t digits = 0;
      *out = 0;
      while (digits < text.size() && digits < 9 && text[digits] >= '0' && text[digits] <= '9') {
        *out = *out * 10 + (text[digits++] - '0');
      }
      text.remove_prefix(digits);
      return digits > 0;
    }
    bool name() {
      if (take('<')) {
        const size_t end = text.find('>');
        if (end == std::string_view::npos) return false;
        text.remove_prefix(end + 1);
        return true;
      }
      size_t letters = 0;
      while (letters < text.size() && ((text[letters] >= 'A' && text[letters] <= 'Z') ||
                                       (text[letters] >= 'a' && text[letters] <= 'z'))) {
        ++letters;
      }
      text.remove_prefix(letters);
      return letters >= 3;
    }
    // [+-]h[:m[:s]] in seconds.
    bool offset(int64_t* out) {
      const bool negative = !text.empty() && text.front() == '-';
      if (!take('-')) take('+');
      int64_t hours = 0;
      int64_t minutes = 0;
      int64_t seconds = 0;
      if (!number(&hours)) return false;
      if (take(':') && !number(&minutes)) return false;
      if (take(':') && !number(&seconds)) return false;
      *out = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
      return true;
    }
    bool day(Day* out) {
      if (take('M')) {
        if (!number(&out->month) || !take('.') || !number(&out->week) || !take('.') ||
            !number(&out->day) || out->month < 1 || out->month > 12 || out->week < 1 ||
            out->week > 5 || out->day > 6) {
          return false;
        }
      } else {
        out->kind = take('J') ? 'J' : '0';
        if (!number(&out->day) || out->day > 365) return false;
      }
      return !take('/') || offset(&out->time);
    }
  };

  int64_t standard_ = 0;
  int64_t summer_ = 0;
  bool has_summer_ = false;
  Day start_;
  Day end_;
};

class FileZone : public TimeZone {
 public:
  // Nothing when the bytes are no TZif of version 2 or later.
  static std::shared_ptr<const FileZone> parse(const std::string& bytes) {
    constexpr size_t kHeader = 44;
    const auto number = [&](size_t at, int width) {
      uint64_t value = 0;
      for (int i = 0; i < width; ++i)
        value = value << 8 | static_cast<uint8_t>(bytes[at + static_cast<size_t>(i)]);
      return value;
    };
    struct Counts {
      size_t utc, standard, leaps, transitions, types, letters;
    };
    const auto read_counts = [&](size_t at) {
      const auto field = [&](size_t i) { return static_cast<size_t>(number(at + 20 + i * 4, 4)); };
      return Counts{field(0), field(1), field(2), field(3), field(4), field(5)};
    };
    const auto is_header = [&](size_t at) {
      return bytes.size() >= at + kHeader && bytes.compare(at, 4, "TZif") == 0 &&
             bytes[at + 4] >= '2';
    };
    const auto body_size = [](const Counts& c, size_t width) {
      return c.transitions * (width + 1) + c.types * 6 + c.letters + c.leaps * (width + 4) +
             c.standard + c.utc;
    };
    if (!is_header(0)) return nullptr;
    const size_t second = kHeader + body_size(read_counts(0), 4);
    if (!is_header(second)) return nullptr;
    const Counts counts = read_counts(second);
    const size_t times = second + kHeader;
    const size_t footer = times + body_size(counts, 8);
    if (footer > bytes.size() || counts.types == 0) return nullptr;

    auto zone = std::make_shared<FileZone>();
    const size_t kinds = times + counts.transitions * 8;
    const size_t types = kinds + counts.transitions;
    const auto offset_of = [&](size_t type) {
      return static_cast<int64_t>(static_cast<int32_t>(number(types + type * 6, 4)));
    };
    zone->first_offset_ = offset_of(0);
    for (size_t i = 0; i < counts.transitions; ++i) {
      const auto type = static_cast<uint8_t>(bytes[kinds + i]);
      if (type >= counts.types) return nullptr;
      zone->transitions_.push_back(static_cast<int64_t>(number(times + i * 8, 8)));
      zone->offsets_.push_back(offset_of(type));
    }
    std::string_view rule(bytes);
    rule.remove_prefix(std::min(footer + 1, bytes.size()));
    rule = rule.substr(0, rule.find('\n'));
    if (!rule.empty()) {
      zone->rule_ = YearlyRule::parse(rule);
      if (!zone->rule_) return nullptr;
    }
    return zone;
  }

  int64_t offset_at(int64_t seconds) const override {
    const auto next = std::upper_bound(transitions_.begin(), transitions_.end(), seconds);
    if (next == transitions_.end() && rule_) return rule_->offset_at(seconds);
    if (next == transitions_.begin()) return first_offset_;
    return offsets_[static_cast<size_t>(next - transitions_.begin()) - 1];
  }

 private:
  int64_t first_offset_ = 0;
  std::vector<int64_t> transitions_;
  std::vector<int64_t> offsets_;
  std::optional<YearlyRule> rule_;
};

std::optional<int64_t> fixed_offset(std::string_view name) {
  for (const char* utc : {"utc", "gmt", "z", "zulu", "utc0"}) {
    if (equals_ignore_case(name, utc)) return 0;
  }
  if (name.size() < 2 || (name.front() != '+' && name.front() != '-')) return std::nullopt;
  const int64_t sign = name.front() == '-' ? -1 : 1;
  name.remove_prefix(1);
  std::string digits;
  for (const char c : name) {
    if (c == ':' && digits.size() == 2) continue;
    if (c < '0' || c > '9') return std::nullopt;
    digits += c;
  }
  if (digits.size() == 1) digits = "0" + digits;
  if (digits.size() == 2) digits += "00";
  if (digits.size() != 4) return std::nullopt;
  const int64_t hours = (digits[0] - '0') * 10 + digits[1] - '0';
  const int64_t minutes = (digits[2] - '0') * 10 + digits[3] - '0';
  if (hours > 18 || minutes > 59) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

// Only names that can be files below the folder of zones.
bool is_zone_name(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find("..") != std::string_view::npos) {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  });
}

}  // namespace

int64_t TimeZone::offset_at_clock(int64_t clock_seconds) const {
  const int64_t before = offset_at(clock_seconds - kDaySeconds);
  const int64_t after = offset_at(clock_seconds + kDaySeconds);
  if (before == after) return before;
  return offset_at(clock_seconds - after) == after ? after : before;
}

TimeZonePtr find_time_zone(std::string_view name) {
  if (const auto offset = fixed_offset(name)) return std::make_shared<FixedZone>(*offset);
  static std::mutex mutex;
  static auto* zones = new std::map<std::string, TimeZonePtr, std::less<>>();
  const std::lock_guard<std::mutex> lock(mutex);
  const auto known = zones->find(name);
  if (known != zones->end()) return known->second;
  if (is_zone_name(name)) {
    // Not by the session's file system: the rules are the machine's, like its C library's, and all
    // sessions share them.
    const std::string path = "/usr/share/zoneinfo/" + std::string(name);
    // A folder such as 'Europe' can be opened, but fails when it is read.
    std::error_code code;
    std::ifstream file;
    if (std::filesystem::is_regular_file(path, code)) file.open(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (TimeZonePtr zone = FileZone::parse(bytes)) {
      zones->emplace(std::string(name), zone);
      return zone;
    }
  }
  throw Error(
      ErrorKind::kSqlSemantic,
      concat("time zone ", quote_sql_string(excerpt(name)),
             " is not known; write 'UTC', an offset such as '+02:00' (east is positive), or "
             "a name such as 'Europe/Berlin' that is in the system's /usr/share/zoneinfo"));
}

}  // namespace velaria
