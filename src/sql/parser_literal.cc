// Numbers, vectors, dates and intervals, and the names of types.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"
#include "src/sql/parser_state.h"

namespace velaria::sql {

namespace {

constexpr int kMaxDecimalDigits = 38;

DataType widest_integer() { return DataType::decimal(kMaxDecimalDigits, 0); }

}  // namespace

// The first of int64, uint64, decimal(38, 0) that holds it: no digit is lost.
Value Parser::integer_value(Int128 number) {
  if (number >= std::numeric_limits<int64_t>::min() &&
      number <= std::numeric_limits<int64_t>::max()) {
    return Value::int64(static_cast<int64_t>(number));
  }
  if (number > 0 && number <= static_cast<Int128>(std::numeric_limits<uint64_t>::max())) {
    return Value::unsigned_integral(DataType(TypeId::kUInt64), static_cast<uint64_t>(number));
  }
  return Value::decimal(widest_integer(), number);
}

Value Parser::negative_value(const Value& value) {
  if (value.type().is_float()) return Value::floating(value.type(), -value.as_double());
  if (value.type().is_unsigned_integer()) {
    return integer_value(-static_cast<Int128>(value.as_uint64()));
  }
  if (value.type().is_signed_integer())
    return integer_value(-static_cast<Int128>(value.as_int64()));
  if (value.type().scale() > 0) return Value::decimal(value.type(), -value.as_int128());
  return integer_value(-value.as_int128());
}

Value Parser::number_value(const Token& token, bool negative) const {
  if (token.kind == TokenKind::kInteger) {
    const std::optional<Int128> number = parse_decimal(token.text, 0);
    if (!number) {
      fail(ErrorKind::kSqlSemantic,
           concat("integer ", excerpt(token.text, 50), " has more than ", kMaxDecimalDigits,
                  " digits; no number type holds it exactly"),
           token.position);
    }
    return integer_value(negative ? -*number : *number);
  }
  double number = 0;
  const char* end = token.text.data() + token.text.size();
  const auto result = std::from_chars(token.text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) {
    fail(ErrorKind::kSqlSemantic,
         concat("number ", excerpt(token.text, 50), " is outside of what a float64 holds"),
         token.position);
  }
  return Value::float64(negative ? -number : number);
}

// The digits of a number with a point and without an exponent; NULL for other tokens and for more
// digits than a decimal has.
Value Parser::exact_number(const Token& token, bool negative) {
  if (token.kind != TokenKind::kFloat) return Value();
  const std::string_view text = token.text;
  const size_t point = text.find('.');
  if (point == std::string_view::npos || text.find_first_of("eE") != std::string_view::npos) {
    return Value();
  }
  const int scale = static_cast<int>(std::min<size_t>(text.size() - point - 1, 99));
  if (scale > kMaxDecimalDigits) return Value();
  const std::optional<Int128> number = parse_decimal(text, scale);
  if (!number) return Value();
  int digits = 1;
  for (Int128 rest = *number; rest >= 10; rest /= 10) ++digits;
  return Value::decimal(DataType::decimal(std::max(digits, scale), scale),
                        negative ? -*number : *number);
}

namespace {

// Whether the float64 that a number was read as still shows all of its digits.
bool shows_digits(double value, const Value& exact) {
  char text[512];
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed).ptr;
  const auto shown =
      parse_decimal(std::string_view(text, static_cast<size_t>(end - text)), exact.type().scale());
  return shown && *shown == exact.as_int128();
}

}  // namespace

ExpressionPtr Parser::parse_number(bool negative, int64_t at) {
  const Token& token = advance();
  const Value value = number_value(token, negative);
  Value exact = exact_number(token, negative);
  // More digits than a float64 keeps: the number is the decimal that was written.
  if (!exact.is_null() && !shows_digits(value.as_double(), exact)) return literal(exact, at);
  return number(value, std::move(exact), at);
}

ExpressionPtr Parser::parse_vector() {
  const int64_t at = advance().position;
  std::vector<float> elements;
  do {
    bool negative = false;
    while (at_symbol("-") || at_symbol("+")) negative ^= advance().text == "-";
    if (peek().kind != TokenKind::kInteger && peek().kind != TokenKind::kFloat) {
      if (at_symbol("]")) fail_syntax("a vector needs a number here", position());
      refuse("list of expressions", position());
    }
    const Token& token = advance();
    const std::string text = negative ? "-" + token.text : token.text;
    float element = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), element);
    if (result.ec != std::errc()) {
      fail(ErrorKind::kSqlSemantic,
           concat("vector element ", excerpt(text, 50), " is outside of what a float32 holds"),
           token.position);
    }
    elements.push_back(element);
  } while (take_symbol(","));
  if (!take_symbol("]")) {
    if (at_end()) fail_syntax("'[' is not closed; ']' is missing", at);
    if (peek().kind == TokenKind::kSymbol) refuse("list of expressions", position());
    fail_expected("',' or ']'");
  }
  return literal(Value::vector(std::move(elements)), at);
}

Value Parser::temporal_value(std::string_view type, const Token& text) const {
  const auto wrong = [&](std::string_view form) {
    fail(ErrorKind::kSqlSemantic,
         concat(quote_sql_string(excerpt(text.text)), " is no ", type, "; it is written ", form),
         text.position);
  };
  if (type == "DATE") {
    const std::optional<int32_t> days = parse_date(text.text);
    if (!days) wrong("'YYYY-MM-DD'");
    return Value::integral(DataType(TypeId::kDate32), *days);
  }
  if (type == "TIME") {
    const std::optional<int64_t> micros = parse_time(text.text);
    if (!micros) wrong("'HH:MM:SS.ffffff'");
    return Value::integral(DataType(TypeId::kTime64), *micros);
  }
  const bool with_zone = type != "TIMESTAMP";
  bool had_offset = false;
  TimeUnit unit = TimeUnit::kMicro;
  std::optional<int64_t> value = parse_timestamp(text.text, unit, &had_offset);
  if (!value) {
    // Seven to nine digits behind the point need the finer unit.
    unit = TimeUnit::kNano;
    value = parse_timestamp(text.text, unit, &had_offset);
  }
  if (!value) wrong("'YYYY-MM-DD HH:MM:SS.ffffff'");
  if (had_offset && !with_zone) {
    fail(ErrorKind::kSqlSemantic,
         concat(quote_sql_string(excerpt(text.text)),
                " has a time zone; write TIMESTAMPTZ in front of it, or leave the zone out"),
         text.position);
  }
  return Value::integral(DataType::timestamp(unit, with_zone ? "UTC" : ""), *value);
}

ExpressionPtr Parser::parse_temporal_literal() {
  const int64_t at = position();
  const auto is_string = [&](size_t ahead) { return peek(ahead).kind == TokenKind::kString; };
  std::string_view type;
  size_t words = 1;
  if (at_word("DATE")) {
    type = "DATE";
  } else if (at_word("TIME")) {
    type = "TIME";
  } else if (at_word("TIMESTAMPTZ")) {
    type = "TIMESTAMPTZ";
  } else if (at_word("TIMESTAMP")) {
    type = "TIMESTAMP";
    if (at_word("TIME", 2) && at_word("ZONE", 3)) {
      if (at_word("WITH", 1)) type = "TIMESTAMPTZ";
      if (at_word("WITH", 1) || at_word("WITHOUT", 1)) words = 4;
    }
  } else if (at_word("INTERVAL")) {
    const bool amount = peek(1).kind == TokenKind::kInteger ||
                        (at_symbol("-", 1) && peek(2).kind == TokenKind::kInteger);
    if (at_symbol("(", 1) && peek(1).match >= 0) {
      // INTERVAL (a) DAY: a unit behind the parenthesis tells it from a function.
      const size_t behind = static_cast<size_t>(peek(1).match) + 1 - index_;
      if (peek(behind).kind == TokenKind::kName &&
          velaria::parse_interval("1 " + peek(behind).text).has_value()) {
        refuse("INTERVAL of an expression", at);
      }
    }
    return is_string(1) || amount ? parse_interval() : nullptr;
  }
  if (type.empty() || !is_string(words)) return nullptr;
  index_ += words;
  Value value = temporal_value(type, peek());
  advance();
  return literal(std::move(value), at);
}

ExpressionPtr Parser::parse_interval() {
  const int64_t at = advance().position;
  const bool in_quotes = peek().kind == TokenKind::kString;
  std::string text = take_symbol("-") ? "-" : "";
  const int64_t amount_at = position();
  text += advance().text;
  const bool bare_number =
      !text.empty() && text.find_first_not_of("+-0123456789 ") == std::string::npos;
  const bool unit_follows =
      peek().kind == TokenKind::kName && velaria::parse_interval("1 " + peek().text).has_value();
  if (bare_number && unit_follows) {
    text += " " + advance().text;
    if (at_word("TO")) refuse("INTERVAL with a range", at);
  } else if (unit_follows && at_word("TO", 1)) {
    refuse("INTERVAL with a range", at);
  } else if (!in_quotes) {
    fail_expected("a unit behind the number of INTERVAL (DAY, HOUR, MINUTE, MONTH, ...)");
  }
  const std::optional<Interval> interval = velaria::parse_interval(text);
  if (!interval) {
    fail(ErrorKind::kSqlSemantic,
         concat(quote_sql_string(excerpt(text)),
                " is no INTERVAL; it is written '1 day', '2 months 3 days', '90 seconds', "
                "'01:30:00'"),
         amount_at);
  }
  return literal(Value::interval(*interval), at);
}

int64_t Parser::expect_integer(std::string_view what) {
  if (peek().kind != TokenKind::kInteger) fail_expected(what);
  const Value value = number_value(peek(), false);
  if (!value.type().is_signed_integer()) fail_syntax(concat(what, " is too large"), position());
  advance();
  return value.as_int64();
}

bool Parser::take_time_zone_words(bool* with_zone) {
  if ((at_word("WITH") || at_word("WITHOUT")) && at_word("TIME", 1) && at_word("ZONE", 2)) {
    *with_zone = at_word("WITH");
    index_ += 3;
    return true;
  }
  return false;
}

DataType Parser::parse_type() {
  const Token& first = peek();
  const int64_t at = first.position;
  if (first.kind != TokenKind::kName) fail_expected("a type");
  std::string name = to_lower_ascii(advance().text);
  const auto is = [&](std::initializer_list<std::string_view> names) {
    for (std::string_view known : names) {
      if (name == known) return true;
    }
    return false;
  };
  if (is({"decimal", "numeric", "dec", "decimal128"})) return parse_decimal_type(at);
  if (is({"timestamp", "datetime"})) return parse_timestamp_type(false, at);
  if (is({"timestamptz"})) return parse_timestamp_type(true, at);
  if (is({"time", "time64"})) return parse_time_type(at);
  if (is({"character", "char", "bpchar", "nchar", "nvarchar", "varchar", "text", "string"})) {
    // A length is accepted and not enforced, as no text is ever cut.
    take_word("VARYING");
    if (take_symbol("(")) {
      expect_integer("a length");
      expect_symbol(")");
    }
    name = "varchar";
  } else if (is({"double"})) {
    take_word("PRECISION");
  } else if (is({"float"}) && at_symbol("(")) {
    const int64_t open = advance().position;
    const int64_t bits = expect_integer("a number of bits");
    if (bits < 1 || bits > 53) {
      fail(ErrorKind::kSqlSemantic, "float(n) exists for 1 to 53 bits", open + 1);
    }
    expect_symbol(")");
    name = bits <= 24 ? "float" : "double";
  } else if (is({"int2", "int4", "float4", "float8"})) {
    name = is({"int2"})     ? "smallint"
           : is({"int4"})   ? "integer"
           : is({"float4"}) ? "real"
                            : "double";
  }
  const auto dimension = [&](std::string_view close) {
    const int64_t where = position();
    const int64_t size = expect_integer("the dimension of the vector");
    if (size < 1 || size > std::numeric_limits<int32_t>::max()) {
      fail(ErrorKind::kSqlSemantic, "the dimension of a vector is at least 1", where);
    }
    expect_symbol(close);
    return DataType::vector(static_cast<int32_t>(size));
  };
  if (is({"vector"}) && take_symbol("(")) return dimension(")");
  if (is({"fixed_size_list"}) && take_symbol("<")) {
    if (!take_word("FLOAT32") && !take_word("FLOAT")) fail_expected("float32");
    expect_symbol(">");
    expect_symbol("[");
    return dimension("]");
  }
  if (at_symbol("[")) {
    if (!is({"float", "real", "float32"}) || at_symbol("]", 1)) refuse("list type", at);
    advance();
    return dimension("]");
  }
  try {
    return type_from_name(name);
  } catch (const Error& error) {
    fail(error.kind(), error.message(), at);
  }
}

DataType Parser::parse_decimal_type(int64_t at) {
  if (!take_symbol("(")) {
    // Every engine has another default, and a wrong one loses digits.
    fail(ErrorKind::kSqlSemantic,
         "DECIMAL needs its precision and scale: DECIMAL(18, 3), or DECIMAL(38, 0) for integers",
         at);
  }
  const int64_t precision = expect_integer("the precision");
  int64_t scale = 0;
  if (take_symbol(",")) scale = expect_integer("the scale");
  expect_symbol(")");
  if (precision < 1 || precision > kMaxDecimalDigits || scale > precision) {
    fail(ErrorKind::kSqlSemantic,
         concat("decimal(", precision, ", ", scale,
                ") does not exist; precision is 1 to 38 and scale 0 to precision"),
         at);
  }
  return DataType::decimal(static_cast<int>(precision), static_cast<int>(scale));
}

DataType Parser::parse_timestamp_type(bool with_zone, int64_t at) {
  TimeUnit unit = TimeUnit::kMicro;
  const auto fail_unit = [&] {
    fail(ErrorKind::kSqlSemantic,
         "timestamps have 0, 3, 6 or 9 digits behind the second: TIMESTAMP(3)", at);
  };
  if (take_symbol("(")) {
    const int64_t digits = expect_integer("a number of digits");
    if (digits != 0 && digits != 3 && digits != 6 && digits != 9) fail_unit();
    unit = static_cast<TimeUnit>(digits / 3);
    expect_symbol(")");
  } else if (take_symbol("[")) {
    // As DataType::to_string() has it: timestamp[us, Europe/Berlin].
    if (take_word("S")) {
      unit = TimeUnit::kSecond;
    } else if (take_word("MS")) {
      unit = TimeUnit::kMilli;
    } else if (take_word("NS")) {
      unit = TimeUnit::kNano;
    } else if (!take_word("US")) {
      fail_expected("s, ms, us or ns");
    }
    std::string zone;
    if (take_symbol(",")) {
      const int64_t start = position();
      while (!at_end() && !at_symbol("]")) advance();
      zone = text_.substr(static_cast<size_t>(start), static_cast<size_t>(position() - start));
    }
    expect_symbol("]");
    return DataType::timestamp(unit, zone);
  }
  take_time_zone_words(&with_zone);
  return DataType::timestamp(unit, with_zone ? "UTC" : "");
}

DataType Parser::parse_time_type(int64_t at) {
  if (take_symbol("(")) {
    if (expect_integer("a number of digits") > 6) {
      fail(ErrorKind::kSqlSemantic, "times have at most 6 digits behind the second", at);
    }
    expect_symbol(")");
  } else if (at_symbol("[") && at_word("US", 1) && at_symbol("]", 2)) {
    index_ += 3;
  }
  bool with_zone = false;
  if (take_time_zone_words(&with_zone) && with_zone) refuse("TIME WITH TIME ZONE", at);
  return DataType(TypeId::kTime64);
}

}  // namespace velaria::sql
