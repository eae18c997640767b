#include "src/kernel/text_functions.h"

#include <string.h>  // memmem

#include <algorithm>
#include <cstring>
#include <vector>

#include "src/base/code_point.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/kernel/take.h"
#include "src/kernel/unicode_case.h"

namespace velaria {

int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !continues_code_point(c); });
}

std::string_view code_point_slice(std::string_view text, int64_t first, int64_t count) {
  size_t begin = 0;
  for (; first > 0 && begin < text.size(); --first) begin += code_point_bytes(text, begin);
  size_t end = begin;
  for (; count > 0 && end < text.size(); --count) end += code_point_bytes(text, end);
  return text.substr(begin, end - begin);
}

bool matches_like(std::string_view text, std::string_view pattern, char escape) {
  // Greedy with one way back: when a later part fails, only the last % can have taken too little.
  size_t t = 0;
  size_t p = 0;
  size_t retry_pattern = std::string_view::npos;
  size_t retry_text = 0;
  while (t < text.size()) {
    bool matched = false;
    if (p < pattern.size()) {
      char wanted = pattern[p];
      const bool escaped = escape != '\0' && wanted == escape;
      if (escaped) {
        if (p + 1 == pattern.size()) {
          throw Error(ErrorKind::kSqlSemantic, concat("LIKE pattern ", quote_sql_string(pattern),
                                                      " ends with its escape character"));
        }
        wanted = pattern[p + 1];
      }
      if (!escaped && wanted == '%') {
        retry_pattern = ++p;
        retry_text = t;
        continue;
      }
      if (!escaped && wanted == '_') {
        t += code_point_bytes(text, t);
        ++p;
        matched = true;
      } else if (text[t] == wanted) {
        ++t;
        p += escaped ? 2 : 1;
        matched = true;
      }
    }
    if (matched) continue;
    if (retry_pattern == std::string_view::npos) return false;
    p = retry_pattern;
    retry_text += code_point_bytes(text, retry_text);
    t = retry_text;
  }
  while (p < pattern.size() && pattern[p] == '%' && escape != '%') ++p;
  return p == pattern.size();
}

namespace {

// The same pattern in lower case, with \ as its escape: an escape that is a letter would change
// with the others, or another one become like it.
std::string lower_pattern(std::string_view pattern, char escape) {
  std::string out;
  for (size_t i = 0; i < pattern.size();) {
    const bool escapes = escape != '\0' && pattern[i] == escape;
    if (escapes && ++i == pattern.size()) return out + '\\';
    const std::string_view one = pattern.substr(i, code_point_bytes(pattern, i));
    if (escapes || one == "\\") out += '\\';
    out += to_lower_text(one);
    i += one.size();
  }
  return out;
}

}  // namespace

LikePattern::LikePattern(std::string_view pattern, char escape, bool ignore_case)
    : parts_(1),
      pattern_(ignore_case ? lower_pattern(pattern, escape) : std::string(pattern)),
      escape_(ignore_case ? '\\' : escape),
      ignore_case_(ignore_case) {
  bool any_single = false;
  for (size_t i = 0; i < pattern_.size(); ++i) {
    const char c = pattern_[i];
    if (escape_ != '\0' && c == escape_) {
      if (++i == pattern_.size()) {
        throw Error(ErrorKind::kSqlSemantic, concat("LIKE pattern ", quote_sql_string(pattern),
                                                    " ends with its escape character"));
      }
      parts_.back() += pattern_[i];
    } else if (c == '%') {
      // Two of them in a row are one.
      if (parts_.size() == 1 || !parts_.back().empty()) parts_.emplace_back();
    } else {
      any_single = any_single || c == '_';
      parts_.back() += c;
    }
  }
  if (any_single) {
    parts_.clear();
  } else if (!ignore_case_) {
    const size_t bytes = std::min<size_t>(parts_.front().size(), 4);
    const std::string longer = std::string(parts_.front(), 0, bytes) + std::string(13, '.');
    first_bytes_mask_ = ((uint64_t{1} << (8 * bytes)) - 1) << 32;
    first_bytes_ = StringView(longer).head() & first_bytes_mask_;
  }
}

bool LikePattern::matches_as_is(std::string_view text) const {
  if (parts_.empty()) return matches_like(text, pattern_, escape_);
  const std::string& first = parts_.front();
  if (parts_.size() == 1) return text == first;
  const std::string& last = parts_.back();
  if (text.size() < first.size() + last.size() ||
      std::memcmp(text.data(), first.data(), first.size()) != 0 ||
      std::memcmp(text.data() + text.size() - last.size(), last.data(), last.size()) != 0) {
    return false;
  }
  text = text.substr(first.size(), text.size() - first.size() - last.size());
  // The earliest place of each part leaves the most room for the next.
  for (size_t i = 1; i + 1 < parts_.size(); ++i) {
    const void* hit = memmem(text.data(), text.size(), parts_[i].data(), parts_[i].size());
    if (hit == nullptr) return false;
    text.remove_prefix(static_cast<size_t>(static_cast<const char*>(hit) - text.data()) +
                       parts_[i].size());
  }
  return true;
}

bool LikePattern::matches(const StringView& text) const {
  return (text.head() & first_bytes_mask_) == first_bytes_ && matches(text.text());
}

bool LikePattern::matches(std::string_view text) const {
  return ignore_case_ ? matches_as_is(to_lower_text(text)) : matches_as_is(text);
}

ColumnPtr map_text(const ColumnPtr& text, std::string (*f)(std::string_view)) {
  const ColumnPtr flat = flatten(text);
  StringBuilder builder(flat->type());
  for (int64_t i = 0; i < flat->length(); ++i) {
    if (flat->is_null(i)) {
      builder.append_null();
    } else {
      builder.append(f(flat->values<StringView>()[i].text()));
    }
  }
  return builder.finish();
}

int64_t edit_distance(std::string_view a, std::string_view b) {
  const auto code_points = [](std::string_view text) {
    std::vector<uint32_t> out;
    for (size_t at = 0; at < text.size();) {
      size_t bytes = 0;
      out.push_back(decode_code_point(text, at, &bytes));
      at += bytes;
    }
    return out;
  };
  const std::vector<uint32_t> x = code_points(a);
  const std::vector<uint32_t> y = code_points(b);
  std::vector<int64_t> row(y.size() + 1);
  for (size_t j = 0; j <= y.size(); ++j) row[j] = static_cast<int64_t>(j);
  for (size_t i = 0; i < x.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i) + 1;
    for (size_t j = 0; j < y.size(); ++j) {
      const int64_t replaced = diagonal + (x[i] == y[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[y.size()];
}

}  // namespace velaria
