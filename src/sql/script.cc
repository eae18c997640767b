#include "src/sql/script.h"

#include <cstdint>

#include "src/sql/lexer.h"

namespace velaria::sql {

std::vector<std::string> split_statements(std::string_view text) {
  std::vector<std::string> out;
  int64_t begin = -1;
  int64_t end = 0;
  for (const Token& token : tokenize(text)) {
    if (token.kind == TokenKind::kEnd || (token.kind == TokenKind::kSymbol && token.text == ";")) {
      if (begin >= 0) {
        out.emplace_back(text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
      }
      begin = -1;
      continue;
    }
    if (begin < 0) begin = token.position;
    end = token.end;
  }
  return out;
}

}  // namespace velaria::sql
