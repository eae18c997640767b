// SQL text -> tokens, all of them at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace velaria::sql {

enum class TokenKind : uint8_t {
  kEnd,         // behind the last token
  kName,        // identifier or keyword, as written
  kQuotedName,  // "identifier", `text` without the quotes
  kString,      // 'text' or E'text', decoded
  kBytes,       // X'0a0b', decoded
  kInteger,     // digits only
  kFloat,       // digits with a point or an exponent
  kParameter,   // ?, $1 or $name
  kSymbol,      // operators and punctuation
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int32_t match = -1;    // of '(': index of the ')' that closes it, -1 when nothing does
  int64_t position = 0;  // first byte; of kEnd: just behind the last token
  int64_t end = 0;       // behind the last byte
  std::string text;
};

// Comments are left out; the last token is kEnd. Throws SqlSyntaxError for what is no token:
// invalid UTF-8, NUL bytes, unterminated strings and comments (at where they open), foreign
// characters.
std::vector<Token> tokenize(std::string_view text);

}  // namespace velaria::sql
