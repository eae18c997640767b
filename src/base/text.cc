#include "src/base/text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "src/base/code_point.h"

namespace velaria {

std::string join_texts(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string to_upper_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

bool equals_ignore_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && to_lower_ascii(a) == to_lower_ascii(b);
}

namespace {

template <typename Float>
std::string format_shortest(Float value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  std::string out(text, end);
  if (out.find_first_of(".en") == std::string::npos) out += ".0";
  return out;
}

}  // namespace

std::string format_double(double value) { return format_shortest(value); }
std::string format_float(float value) { return format_shortest(value); }

std::string quote_sql_string(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string excerpt(std::string_view text, size_t limit) {
  size_t end = std::min(text.size(), limit);
  // Step back to the first byte of a code point so that the cut never leaves half of one.
  while (end > 0 && end < text.size() && continues_code_point(text[end])) --end;
  std::string out;
  const std::string_view shown = text.substr(0, end);
  for (size_t at = 0; at < shown.size(); ++at) {
    const char c = shown[at];
    const auto byte = static_cast<uint8_t>(c);
    // The control characters behind ASCII, U+0080 to U+009F, steer terminals too.
    const bool has_next = byte == 0xC2 && at + 1 < shown.size();
    const uint8_t next = has_next ? static_cast<uint8_t>(shown[at + 1]) : 0;
    if (next >= 0x80 && next < 0xA0) {
      char hex[8];
      std::snprintf(hex, sizeof(hex), "\\x%02x", next);
      out += hex;
      ++at;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      char hex[8];
      std::snprintf(hex, sizeof(hex), "\\x%02x", byte);
      out += hex;
    } else {
      out += c;
    }
  }
  if (end < text.size()) out += "...";
  return out;
}

std::string quote_json(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<uint8_t>(c) < 0x20) {
          char hex[8];
          std::snprintf(hex, sizeof(hex), "\\u%04x", static_cast<uint8_t>(c));
          out += hex;
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::string format_bytes(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double amount = static_cast<double>(bytes);
  int unit = -1;
  while (amount >= 1024 && unit < 5) {
    amount /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %s", amount, units[unit]);
  return text;
}

}  // namespace velaria
