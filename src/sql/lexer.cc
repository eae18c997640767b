#include "src/sql/lexer.h"

#include "src/base/code_point.h"
#include "src/base/text.h"
#include "src/sql/source_position.h"
#include "src/sql/unsupported.h"

namespace velaria::sql {

namespace {

// Longest first: "a->>b" must not become "a - >> b".
constexpr std::string_view kSymbols[] = {
    "!~*", "->>", "<=>", "<>", "!=", "<=", ">=", "=>", ":=", "::", "||", "->", "==",
    "!~",  "~*",  "<<",  ">>", "<",  ">",  "=",  "+",  "-",  "*",  "/",  "%",  "(",
    ")",   "[",   "]",   ",",  ";",  ".",  ":",  "~",  "^",  "&",  "|",  "#",  "@",
};

// What editors and input methods put in the place of SQL's characters.
struct LookAlike {
  int32_t code;
  const char* meant;
};
constexpr LookAlike kLookAlikes[] = {
    {0x2018, "'"}, {0x2019, "'"}, {0x201C, "\""}, {0x201D, "\""}, {0x2013, "-"},  {0x2014, "-"},
    {0x2212, "-"}, {0x00D7, "*"}, {0x2264, "<="}, {0x2265, ">="}, {0x2260, "<>"}, {0x3001, ","},
    {0xFF08, "("}, {0xFF09, ")"}, {0xFF0C, ","},  {0xFF1B, ";"},  {0xFF1A, ":"},  {0xFF1D, "="},
    {0xFF0A, "*"}, {0xFF0E, "."}, {0xFF1C, "<"},  {0xFF1E, ">"},  {0xFF07, "'"},  {0xFF02, "\""},
    {0xFF0B, "+"}, {0xFF0D, "-"}, {0xFF0F, "/"},  {0xFF05, "%"},
};

const char* look_alike(int32_t code) {
  for (const LookAlike& known : kLookAlikes) {
    if (known.code == code) return known.meant;
  }
  return nullptr;
}

// Blanks beyond ASCII: no-break space, the spaces of typography, the ideographic one, a BOM.
bool is_wide_blank(int32_t code) {
  return code == 0xA0 || (code >= 0x2000 && code <= 0x200B) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x3000 || code == 0xFEFF;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    check_encoding();
    skip_blanks();
    while (at_ < text_.size()) {
      read_token();
      skip_blanks();
    }
    const int64_t end = tokens_.empty() ? 0 : tokens_.back().end;
    tokens_.push_back(Token{TokenKind::kEnd, -1, end, end, ""});
    match_parentheses();
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::string_view message, size_t position) const {
    fail_at(ErrorKind::kSqlSyntax, message, text_, static_cast<int64_t>(position));
  }

  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool starts_with(std::string_view prefix) const {
    return text_.substr(at_, prefix.size()) == prefix;
  }

  void check_encoding() const {
    for (size_t i = 0; i < text_.size();) {
      const size_t start = i;
      const int32_t code = next_code_point(text_, &i);
      if (code > 0) continue;
      if (code == 0) fail(concat("SQL text with a NUL byte at byte ", start), start);
      fail(concat("SQL text is not valid UTF-8 at byte ", start), start);
    }
  }

  void add(TokenKind kind, size_t start, std::string text) {
    tokens_.push_back(
        Token{kind, -1, static_cast<int64_t>(start), static_cast<int64_t>(at_), std::move(text)});
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      if (is_blank(peek())) {
        ++at_;
      } else if (starts_with("--")) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (starts_with("/*")) {
        skip_comment();
      } else {
        size_t behind = at_;
        if (static_cast<uint8_t>(peek()) < 0x80 ||
            !is_wide_blank(next_code_point(text_, &behind))) {
          return;
        }
        at_ = behind;
      }
    }
  }

  void skip_comment() {
    const size_t start = at_;
    int depth = 0;
    do {
      if (at_ >= text_.size()) fail("comment '/*' is not closed; '*/' is missing", start);
      if (starts_with("/*")) {
        ++depth;
        at_ += 2;
      } else if (starts_with("*/")) {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0);
  }

  // Moves over a character of an identifier; false when the next one is none.
  bool take_name_character() {
    const char c = peek();
    if (is_letter(c) || is_digit(c) || c == '$') {
      ++at_;
      return true;
    }
    if (static_cast<uint8_t>(c) < 0x80) return false;
    size_t behind = at_;
    const int32_t code = next_code_point(text_, &behind);
    if (is_wide_blank(code) || look_alike(code) != nullptr) return false;
    at_ = behind;
    return true;
  }

  void read_token() {
    const char c = peek();
    if ((c == 'e' || c == 'E') && peek(1) == '\'') return read_escaped_string();
    if ((c == 'x' || c == 'X') && peek(1) == '\'') return read_bytes();
    if (c == '\'') return read_string();
    if (c == '"') return read_quoted_name();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return read_number();
    if (c == '$' && (is_digit(peek(1)) || is_letter(peek(1)))) return read_parameter();
    if (c == '?') {
      const size_t start = at_++;
      return add(TokenKind::kParameter, start, "?");
    }
    if (is_letter(c) || static_cast<uint8_t>(c) >= 0x80) {
      const size_t start = at_;
      while (at_ < text_.size() && take_name_character()) {
      }
      if (at_ > start) {
        return add(TokenKind::kName, start, std::string(text_.substr(start, at_ - start)));
      }
      return fail_character();
    }
    for (std::string_view symbol : kSymbols) {
      if (starts_with(symbol)) {
        const size_t start = at_;
        at_ += symbol.size();
        return add(TokenKind::kSymbol, start, std::string(symbol));
      }
    }
    fail_character();
  }

  [[noreturn]] void fail_character() const {
    size_t behind = at_;
    const int32_t code = next_code_point(text_, &behind);
    const std::string shown = excerpt(text_.substr(at_, behind - at_));
    if (code == '$') {
      const UnsupportedSql* row = find_unsupported("dollar quotes");
      fail_at(
          ErrorKind::kSqlUnsupported,
          concat(row->name, " is not supported; ", row->instead, "; parameters are $1 or $name"),
          text_, static_cast<int64_t>(at_));
    }
    std::string message = concat("character ", shown, " has no meaning in SQL");
    if (const char* meant = look_alike(code)) {
      message += concat("; did you mean ", meant, " ?");
    } else if (code == '`') {
      message += "; names with blanks or capitals are written in double quotes: \"Arr Delay\"";
    }
    fail(message, at_);
  }

  void read_string() {
    const size_t start = at_++;
    std::string value;
    for (;;) {
      const size_t quote = text_.find('\'', at_);
      if (quote == std::string_view::npos) {
        fail("string is not closed; a ' is missing (inside a string write '')", start);
      }
      value += text_.substr(at_, quote - at_);
      at_ = quote + 1;
      if (peek() != '\'') break;
      value += '\'';
      ++at_;
    }
    add(TokenKind::kString, start, std::move(value));
  }

  void read_quoted_name() {
    const size_t start = at_++;
    std::string name;
    for (;;) {
      const size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) fail("name in double quotes is not closed", start);
      name += text_.substr(at_, quote - at_);
      at_ = quote + 1;
      if (peek() != '"') break;
      name += '"';
      ++at_;
    }
    if (name.empty()) fail("a name in double quotes needs at least one character", start);
    add(TokenKind::kQuotedName, start, std::move(name));
  }

  void read_escaped_string() {
    const size_t start = at_;
    at_ += 2;
    std::string value;
    for (;;) {
      if (at_ >= text_.size()) fail("string is not closed; a ' is missing", start);
      const char c = text_[at_++];
      if (c == '\'') {
        if (peek() != '\'') break;
        value += '\'';
        ++at_;
      } else if (c == '\\') {
        read_escape(&value);
      } else {
        value += c;
      }
    }
    // \xff and the like can make anything.
    for (size_t i = 0; i < value.size();) {
      if (next_code_point(value, &i) <= 0) {
        fail("the escapes of this string give invalid UTF-8; bytes are written X'ff00'", start);
      }
    }
    add(TokenKind::kString, start, std::move(value));
  }

  void read_escape(std::string* value) {
    const size_t start = at_ - 1;
    const char c = peek();
    ++at_;
    switch (c) {
      case 'n': *value += '\n'; return;
      case 't': *value += '\t'; return;
      case 'r': *value += '\r'; return;
      case 'b': *value += '\b'; return;
      case 'f': *value += '\f'; return;
      case '\\':
      case '\'':
      case '"': *value += c; return;
      case 'x': *value += static_cast<char>(read_hex(1, 2, start)); return;
      case 'u': append_code_point(value, read_code_point(4, start)); return;
      case 'U': append_code_point(value, read_code_point(8, start)); return;
      default: break;
    }
    fail(
        "unknown escape in E'...'; known are \\n \\t \\r \\b \\f \\\\ \\' \\\" \\xHH \\uHHHH "
        "\\UHHHHHHHH",
        start);
  }

  uint32_t read_code_point(int digits, size_t start) {
    const int64_t code = read_hex(digits, digits, start);
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      fail("this escape is no Unicode code point", start);
    }
    return static_cast<uint32_t>(code);
  }

  int64_t read_hex(int least, int most, size_t start) {
    int64_t value = 0;
    int count = 0;
    while (count < most && hex_digit(peek()) >= 0) {
      value = value * 16 + hex_digit(peek());
      ++at_;
      ++count;
    }
    if (count < least) fail("this escape needs more hexadecimal digits", start);
    return value;
  }

  void read_bytes() {
    const size_t start = at_;
    at_ += 2;
    std::string bytes;
    while (peek() != '\'') {
      if (at_ >= text_.size()) fail("X'...' is not closed; a ' is missing", start);
      const int high = hex_digit(peek());
      const int low = hex_digit(peek(1));
      if (high < 0 || low < 0) fail("X'...' needs pairs of hexadecimal digits", at_);
      bytes += static_cast<char>(high * 16 + low);
      at_ += 2;
    }
    ++at_;
    add(TokenKind::kBytes, start, std::move(bytes));
  }

  void read_number() {
    const size_t start = at_;
    bool integer = true;
    while (is_digit(peek())) ++at_;
    if (peek() == '.') {
      integer = false;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if (is_digit(peek(1 + sign))) {
        integer = false;
        at_ += 2 + sign;
        while (is_digit(peek())) ++at_;
      }
    }
    const size_t end = at_;
    if (at_ < text_.size() && take_name_character()) {
      while (at_ < text_.size() && take_name_character()) {
      }
      const std::string shown = excerpt(text_.substr(start, at_ - start));
      fail(concat("number ", shown,
                  " runs into letters; put a blank between them, or write a name "
                  "in double quotes"),
           start);
    }
    add(integer ? TokenKind::kInteger : TokenKind::kFloat, start,
        std::string(text_.substr(start, end - start)));
  }

  void read_parameter() {
    const size_t start = at_++;
    if (is_digit(peek())) {
      while (is_digit(peek())) ++at_;
    } else {
      while (is_letter(peek()) || is_digit(peek())) ++at_;
      if (peek() == '$') {  // $tag$ ... $tag$
        at_ = start;
        fail_character();
      }
    }
    add(TokenKind::kParameter, start, std::string(text_.substr(start, at_ - start)));
  }

  void match_parentheses() {
    std::vector<size_t> open;
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].kind != TokenKind::kSymbol) continue;
      if (tokens_[i].text == "(") {
        open.push_back(i);
      } else if (tokens_[i].text == ")" && !open.empty()) {
        tokens_[open.back()].match = static_cast<int32_t>(i);
        open.pop_back();
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text) { return Lexer(text).run(); }

}  // namespace velaria::sql
