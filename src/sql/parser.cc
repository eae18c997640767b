#include "src/sql/parser.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/sql/parameter_reader.h"
#include "src/sql/parser_state.h"
#include "src/sql/unsupported.h"

namespace velaria::sql {

namespace {

// Case-insensitive, `word` in upper case.
bool same_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c) != word[i]) return false;
  }
  return true;
}

// Never the name of a table or column unless quoted.
constexpr std::string_view kReserved[] = {
    "ALL",      "AND",    "AS",      "BETWEEN",     "CASE",   "CAST",  "CREATE", "CROSS",
    "DISTINCT", "ELSE",   "END",     "EXCEPT",      "EXISTS", "FALSE", "FETCH",  "FOR",
    "FROM",     "FULL",   "GROUP",   "HAVING",      "ILIKE",  "IN",    "INNER",  "INTERSECT",
    "INTO",     "IS",     "JOIN",    "LATERAL",     "LEFT",   "LIKE",  "LIMIT",  "NATURAL",
    "NOT",      "NULL",   "OFFSET",  "ON",          "OR",     "ORDER", "OUTER",  "QUALIFY",
    "RIGHT",    "SELECT", "SIMILAR", "TABLESAMPLE", "THEN",   "TRUE",  "UNION",  "USING",
    "WHEN",     "WHERE",  "WINDOW",  "WITH",
};

// Names, but not aliases without AS: something else begins with them.
constexpr std::string_view kNoBareAlias[] = {
    "ASC",   "DESC", "COLLATE",   "OVERLAPS", "OVER",  "FILTER",  "WITHIN",          "EVERY",
    "SLIDE", "SET",  "RETURNING", "ESCAPE",   "PIVOT", "UNPIVOT", "MATCH_RECOGNIZE",
};

constexpr std::string_view kClauseWords[] = {
    "SELECT", "FROM",  "WHERE",     "GROUP",  "HAVING", "ORDER",   "LIMIT", "OFFSET",
    "JOIN",   "UNION", "INTERSECT", "EXCEPT", "WINDOW", "QUALIFY", "INNER", "LEFT",
    "VALUES", "USING", "OPTIONS",   "HYBRID", "SLIDE",  "EVERY",   "BY",    "DISTINCT",
};

// What may stand where, for the words that people put into the wrong order.
constexpr std::string_view kMisplacedWords[] = {
    "FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "HYBRID", "ORDER", "LIMIT", "OFFSET",
};

// "FORM" -> "FROM": two letters swapped are the most usual slip, and far away by edit distance.
std::string swap_back(const std::string& text) {
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    std::string swapped = to_upper_ascii(text);
    std::swap(swapped[i], swapped[i + 1]);
    for (std::string_view word : kClauseWords) {
      if (swapped == word) return swapped;
    }
  }
  return text;
}

bool contains(const std::string_view* words, size_t count, std::string_view text) {
  return std::any_of(words, words + count,
                     [&](std::string_view word) { return same_word(text, word); });
}

}  // namespace

bool Parser::at_word(std::string_view word, size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kName && same_word(token.text, word);
}

bool Parser::at_symbol(std::string_view symbol, size_t ahead) const {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::kSymbol && token.text == symbol;
}

bool Parser::take_word(std::string_view word) {
  if (!at_word(word)) return false;
  advance();
  return true;
}

bool Parser::take_words(std::string_view first, std::string_view second) {
  if (!at_words(first, second)) return false;
  advance();
  advance();
  return true;
}

bool Parser::take_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  advance();
  return true;
}

void Parser::expect_word(std::string_view word) {
  if (!take_word(word)) fail_expected(word);
}

void Parser::expect_symbol(std::string_view symbol) {
  if (!take_symbol(symbol)) fail_expected(concat("'", symbol, "'"));
}

void Parser::expect_close(int64_t open) {
  if (take_symbol(")")) return;
  if (at_end()) {
    fail_syntax("'(' is not closed; ')' is missing", open);
  }
  fail_expected("',' or ')'");
}

bool Parser::at_any_word(const std::string_view* words, size_t count, size_t ahead) const {
  return peek(ahead).kind == TokenKind::kName && contains(words, count, peek(ahead).text);
}

bool Parser::at_name(size_t ahead) const {
  if (peek(ahead).kind == TokenKind::kQuotedName) return true;
  return peek(ahead).kind == TokenKind::kName &&
         !at_any_word(kReserved, std::size(kReserved), ahead);
}

bool Parser::at_bare_alias(size_t ahead) const {
  if (!at_name(ahead)) return false;
  if (peek(ahead).kind == TokenKind::kQuotedName) return true;
  if (at_any_word(kNoBareAlias, std::size(kNoBareAlias), ahead)) return false;
  if (at_word("HYBRID", ahead)) return !at_word("SEARCH", ahead + 1);
  if (at_word("SEMI", ahead) || at_word("ANTI", ahead) || at_word("ASOF", ahead) ||
      at_word("POSITIONAL", ahead)) {
    return !at_word("JOIN", ahead + 1);
  }
  if (at_word("AT", ahead)) return !at_word("TIME", ahead + 1);
  return true;
}

std::string Parser::expect_name(std::string_view what) {
  if (at_name()) return advance().text;
  if (peek().kind == TokenKind::kName) {
    fail_syntax(concat("expected ", what, ", found the keyword ", to_upper_ascii(peek().text),
                       "; as a name it is written \"", peek().text, "\""),
                position());
  }
  if (peek().kind == TokenKind::kString) {
    fail_syntax(concat("expected ", what, ", found ", describe(peek()),
                       "; names are written in double quotes or none"),
                position());
  }
  fail_expected(what);
}

std::string Parser::expect_label(std::string_view what) {
  if (peek().kind == TokenKind::kName) return advance().text;
  return expect_name(what);
}

std::string Parser::expect_dotted_name(std::string_view what) {
  std::string name = expect_name(what);
  while (take_symbol(".")) name += "." + expect_label(what);
  return name;
}

std::vector<std::string> Parser::name_list(std::string_view what) {
  const int64_t open = position();
  expect_symbol("(");
  std::vector<std::string> names;
  do {
    names.push_back(expect_name(what));
  } while (take_symbol(","));
  expect_close(open);
  return names;
}

std::string Parser::expect_string(std::string_view what) {
  if (peek().kind != TokenKind::kString) fail_expected(concat(what, " in single quotes"));
  return advance().text;
}

void Parser::fail(ErrorKind kind, std::string_view message, int64_t position) const {
  fail_at(kind, message, text_, position);
}

void Parser::fail_syntax(std::string_view message, int64_t position) const {
  fail(ErrorKind::kSqlSyntax, message, position);
}

void Parser::fail_expected(std::string_view expected) const {
  fail_syntax(concat("expected ", expected, ", found ", describe(peek())), position());
}

void Parser::fail_nesting() const {
  fail(ErrorKind::kSqlUnsupported,
       "SQL is nested too deep here; name the inner parts with WITH, or compute them first",
       position());
}

void Parser::fail_rest(std::string_view behind_what) const {
  std::string message =
      concat("expected the end of the ", behind_what, ", found ", describe(peek()));
  // A misspelt keyword is read as an alias: "FROM t WHER x".
  std::vector<std::string> words;
  for (std::string_view word : kClauseWords) words.emplace_back(word);
  std::string hint;
  const auto look_at = [&](const Token& token) {
    if (hint.empty() && token.kind == TokenKind::kName && token.text.size() > 2 &&
        !contains(kClauseWords, std::size(kClauseWords), token.text)) {
      hint = did_you_mean(swap_back(token.text), words);
      if (!hint.empty()) hint += concat(" ('", excerpt(token.text), "' is no keyword)");
    }
  };
  if (index_ > 0) look_at(tokens_[index_ - 1]);
  look_at(peek());
  if (hint.empty() && at_any_word(kMisplacedWords, std::size(kMisplacedWords))) {
    hint =
        "; the clauses stand in this order: FROM, WHERE, WINDOW BY or HYBRID SEARCH, GROUP BY, "
        "HAVING, WINDOW, QUALIFY, ORDER BY, LIMIT, OFFSET";
  }
  fail_syntax(message + hint, position());
}

void Parser::refuse(std::string_view name, int64_t position) const {
  const UnsupportedSql* row = find_unsupported(name);
  VELARIA_CHECK(row != nullptr);
  fail(ErrorKind::kSqlUnsupported, concat(row->name, " is not supported; ", row->instead),
       position);
}

std::string Parser::describe(const Token& token) const {
  const std::string_view source = text_.substr(static_cast<size_t>(token.position),
                                               static_cast<size_t>(token.end - token.position));
  switch (token.kind) {
    case TokenKind::kEnd: return "the end of the text";
    case TokenKind::kString: return concat("the string ", excerpt(source, 40));
    case TokenKind::kQuotedName: return concat("the name ", excerpt(source, 40));
    case TokenKind::kInteger:
    case TokenKind::kFloat: return concat("the number ", excerpt(source, 40));
    default: return concat("'", excerpt(source, 40), "'");
  }
}

std::string Parser::source_of(size_t first, size_t last) const {
  constexpr size_t kShown = 100;
  std::string out;
  for (size_t i = first; i < last && i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    if (i > first && tokens_[i - 1].end < token.position) out += ' ';
    out += text_.substr(static_cast<size_t>(token.position),
                        static_cast<size_t>(token.end - token.position));
    if (out.size() > kShown) return excerpt(out, kShown);
  }
  return out;
}

std::vector<Statement> Parser::whole_script() {
  std::vector<Statement> statements;
  for (;;) {
    while (take_symbol(";")) {
    }
    if (at_end()) return statements;
    statements.push_back(parse_statement());
    if (!at_end() && !at_symbol(";")) fail_rest("statement");
  }
}

ExpressionPtr Parser::whole_expression() {
  ExpressionPtr expression = parse_expression();
  if (!at_end()) fail_rest("expression");
  return expression;
}

SelectItem Parser::whole_select_item() {
  SelectItem item = parse_select_item();
  if (!at_end()) fail_rest("select item");
  return item;
}

SortKey Parser::whole_sort_key() {
  SortKey key = parse_sort_key();
  if (!at_end()) fail_rest("sort key");
  return key;
}

std::vector<Statement> parse_script(std::string_view text) { return Parser(text).whole_script(); }

namespace {

Statement only_statement(std::vector<Statement> statements, std::string_view text) {
  if (statements.empty()) {
    fail_at(ErrorKind::kSqlSyntax, "the text holds no SQL statement", text, 0);
  }
  if (statements.size() > 1) {
    fail_at(ErrorKind::kSqlSyntax, "one statement is expected here; a second one begins", text,
            statements[1].position);
  }
  return std::move(statements[0]);
}

}  // namespace

Statement parse_statement(std::string_view text) {
  return only_statement(parse_script(text), text);
}

Statement parse_statement(std::string_view text, const Parameters& parameters) {
  ParameterReader reader(text, parameters);
  Parser parser(text, &reader);
  Statement statement = only_statement(parser.whole_script(), text);
  reader.check_all_used();
  return statement;
}

ExpressionPtr parse_expression(std::string_view text) { return Parser(text).whole_expression(); }

SelectItem parse_select_item(std::string_view text) { return Parser(text).whole_select_item(); }

SortKey parse_sort_key(std::string_view text) { return Parser(text).whole_sort_key(); }

}  // namespace velaria::sql
