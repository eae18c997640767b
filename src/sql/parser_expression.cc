// Operators, columns, CASE and subqueries.
#include <algorithm>

#include "src/base/text.h"
#include "src/sql/parameter_reader.h"
#include "src/sql/parser_state.h"

namespace velaria::sql {

namespace {

// Words that cannot begin an expression. Other keywords are columns there: `offset`, `left`,
// `desc`.
constexpr std::string_view kNoOperand[] = {
    "ALL",    "AND",  "AS",    "BETWEEN", "CREATE", "DISTINCT", "ELSE",      "END",
    "EXCEPT", "FROM", "GROUP", "HAVING",  "ILIKE",  "IN",       "INTERSECT", "INTO",
    "IS",     "JOIN", "LIKE",  "LIMIT",   "NOT",    "ON",       "OR",        "ORDER",
    "SELECT", "THEN", "UNION", "USING",   "WHEN",   "WHERE",    "WITH",
};

constexpr std::string_view kComparisons[] = {"=", "==", "<>", "!=", "<", "<=", ">", ">="};
constexpr std::string_view kRefusedInfix[] = {"^", "&", "|", "#", "<<", ">>", "->", "->>", "<=>"};

template <size_t N>
bool is_one_of(const std::string_view (&list)[N], std::string_view text) {
  return std::find(list, list + N, text) != list + N;
}

// The terms of a chain of `name`, through parentheses.
void collect_terms(const ExpressionPtr& node, std::string_view name,
                   std::vector<ExpressionPtr>* terms) {
  if (node->kind == ExpressionKind::kCall && !node->quoted && node->name == name &&
      node->children.size() == 2) {
    collect_terms(node->children[0], name, terms);
    collect_terms(node->children[1], name, terms);
  } else {
    terms->push_back(node);
  }
}

}  // namespace

void Parser::note_height(int32_t height) {
  highest_ = std::max(highest_, height);
  if (height <= Expression::kMaxHeight) return;
  fail(
      ErrorKind::kSqlUnsupported,
      concat("this makes a tree of more than ", Expression::kMaxHeight,
             " levels (a chain of operators, joins or queries counts one for each); compute a part "
             "of it in a WITH query first"),
      position());
}

ExpressionPtr Parser::finish(std::shared_ptr<Expression> node, int32_t inside) {
  node->measure();
  node->height = std::max(node->height, inside + 1);
  note_height(node->height);
  if (node->node_count > Expression::kMaxNodeCount) {
    fail(ErrorKind::kSqlUnsupported,
         "this expression is too large; nested BETWEEN and CASE x WHEN repeat their operand, so "
         "compute it in a WITH query first",
         node->position);
  }
  return node;
}

ExpressionPtr Parser::call(std::string_view name, std::vector<ExpressionPtr> children,
                           int64_t position) {
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kCall;
  node->position = position;
  node->name = name;
  node->children = std::move(children);
  return finish(std::move(node));
}

ExpressionPtr Parser::literal(Value value, int64_t position) {
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kLiteral;
  node->position = position;
  node->literal = std::move(value);
  return finish(std::move(node));
}

ExpressionPtr Parser::number(Value value, Value exact, int64_t position) {
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kLiteral;
  node->position = position;
  node->literal = std::move(value);
  node->exact = std::move(exact);
  return finish(std::move(node));
}

ExpressionPtr Parser::negate(const ExpressionPtr& node, bool condition) {
  return condition ? call("not", {node}, node->position) : node;
}

std::vector<ExpressionPtr> Parser::expression_list() {
  std::vector<ExpressionPtr> list;
  do {
    list.push_back(parse_expression());
  } while (take_symbol(","));
  return list;
}

ExpressionPtr Parser::parse_expression(int min_level) {
  const Nesting nesting(this);
  ExpressionPtr left;
  if (min_level <= kNotLevel && at_word("NOT")) {
    const int64_t at = advance().position;
    left = call("not", {parse_expression(kNotLevel)}, at);
  } else {
    left = parse_unary();
  }
  while (parse_infix(&left, min_level)) {
  }
  return left;
}

bool Parser::parse_infix(ExpressionPtr* left, int min_level) {
  const Token& token = peek();
  if (token.kind == TokenKind::kName) return parse_word_infix(left, min_level);
  if (token.kind != TokenKind::kSymbol) return false;
  const int64_t at = (*left)->position;
  const std::string_view symbol = token.text;
  const auto binary = [&](int level, std::string_view name) {
    if (level < min_level) return false;
    advance();
    ExpressionPtr right = parse_expression(level + 1);
    *left = call(name, {std::move(*left), std::move(right)}, at);
    return true;
  };
  if (symbol == "+" || symbol == "-") return binary(kAdditiveLevel, symbol == "+" ? "+" : "-");
  if (symbol == "*" || symbol == "/" || symbol == "%") {
    return binary(kMultiplicativeLevel, symbol == "*" ? "*" : symbol == "/" ? "/" : "%");
  }
  if (symbol == "||") return binary(kOtherLevel, "||");
  if (is_one_of(kComparisons, symbol)) {
    if (kComparisonLevel < min_level) return false;
    const std::string name = symbol == "!=" ? "<>" : (symbol == "==" ? "=" : std::string(symbol));
    if (at_word("ANY", 1) || at_word("SOME", 1) || at_word("ALL", 1)) {
      if (at_symbol("(", 2)) refuse(peek(1).text, peek(1).position);
    }
    if (!binary(kComparisonLevel, name)) return false;
    if (peek().kind == TokenKind::kSymbol && is_one_of(kComparisons, peek().text)) {
      fail_syntax("comparisons do not chain; write a < b AND b < c, or use parentheses",
                  position());
    }
    return true;
  }
  if (symbol == "~" || symbol == "~*" || symbol == "!~" || symbol == "!~*") {
    if (kOtherLevel < min_level) return false;
    const bool negated = symbol[0] == '!';
    const bool ignore_case = symbol.back() == '*';
    advance();
    std::vector<ExpressionPtr> arguments{*left, parse_expression(kOtherLevel + 1)};
    if (ignore_case) arguments.push_back(literal(Value::utf8("i"), at));
    *left = negate(call("regexp_matches", std::move(arguments), at), negated);
    return true;
  }
  if (is_one_of(kRefusedInfix, symbol)) refuse(symbol, position());
  return false;
}

bool Parser::parse_word_infix(ExpressionPtr* left, int min_level) {
  if (at_word("OR") && min_level <= kOrLevel) {
    *left = parse_chain(std::move(*left), false);
    return true;
  }
  if (at_word("AND") && min_level <= kAndLevel) {
    *left = parse_chain(std::move(*left), true);
    return true;
  }
  if (at_word("IS") && min_level <= kIsLevel) {
    parse_is(left);
    return true;
  }
  if (at_word("AT") && at_word("TIME", 1) && at_word("ZONE", 2) && min_level <= kTimeZoneLevel) {
    index_ += 3;
    const int64_t at = (*left)->position;
    ExpressionPtr zone = parse_expression(kTimeZoneLevel + 1);
    *left = call("timezone", {std::move(zone), std::move(*left)}, at);
    return true;
  }
  return min_level <= kMembershipLevel && parse_membership(left, min_level);
}

ExpressionPtr Parser::parse_chain(ExpressionPtr left, bool conjunction) {
  const std::string_view word = conjunction ? "AND" : "OR";
  const std::string_view name = conjunction ? "and" : "or";
  std::vector<ExpressionPtr> terms;
  collect_terms(left, name, &terms);
  while (take_word(word)) {
    collect_terms(parse_expression((conjunction ? kAndLevel : kOrLevel) + 1), name, &terms);
  }
  // Pairwise, round by round: a low tree, in the order of the text.
  while (terms.size() > 1) {
    std::vector<ExpressionPtr> next;
    for (size_t i = 0; i + 1 < terms.size(); i += 2) {
      next.push_back(call(name, {terms[i], terms[i + 1]}, terms[i]->position));
    }
    if (terms.size() % 2 == 1) next.push_back(terms.back());
    terms = std::move(next);
  }
  return terms[0];
}

bool Parser::parse_membership(ExpressionPtr* left, int) {
  const size_t ahead = at_word("NOT") ? 1 : 0;
  const bool negated = ahead == 1;
  const int64_t at = (*left)->position;
  if (at_word("IN", ahead)) {
    index_ += ahead + 1;
    *left = negate(parse_in(std::move(*left), at), negated);
  } else if (at_word("BETWEEN", ahead)) {
    index_ += ahead + 1;
    *left = negate(parse_between(std::move(*left), at), negated);
  } else if (at_word("LIKE", ahead) || at_word("ILIKE", ahead)) {
    const std::string name = at_word("LIKE", ahead) ? "like" : "ilike";
    index_ += ahead + 1;
    std::vector<ExpressionPtr> arguments{std::move(*left), parse_expression(kOtherLevel)};
    if (take_word("ESCAPE")) arguments.push_back(parse_expression(kOtherLevel));
    *left = negate(call(name, std::move(arguments), at), negated);
  } else if (at_word("SIMILAR", ahead) && at_word("TO", ahead + 1)) {
    refuse("SIMILAR TO", peek(ahead).position);
  } else if (at_word("OVERLAPS")) {
    refuse("OVERLAPS", position());
  } else if (negated) {
    index_ += 1;
    fail_expected("IN, BETWEEN, LIKE or ILIKE behind NOT");
  } else {
    return false;
  }
  return true;
}

void Parser::parse_is(ExpressionPtr* left) {
  const int64_t at = (*left)->position;
  expect_word("IS");
  const bool negated = take_word("NOT");
  if (take_words("DISTINCT", "FROM")) {
    ExpressionPtr right = parse_expression(kIsLevel + 1);
    *left = call(negated ? "is_not_distinct_from" : "is_distinct_from",
                 {std::move(*left), std::move(right)}, at);
    return;
  }
  std::string name = negated ? "is_not_" : "is_";
  if (take_word("NULL") || take_word("UNKNOWN")) {
    name += "null";
  } else if (take_word("TRUE")) {
    name += "true";
  } else if (take_word("FALSE")) {
    name += "false";
  } else {
    fail_expected(negated ? "NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM behind IS NOT"
                          : "NULL, TRUE, FALSE, UNKNOWN, NOT or DISTINCT FROM behind IS");
  }
  *left = call(name, {std::move(*left)}, at);
}

ExpressionPtr Parser::parse_in(ExpressionPtr left, int64_t at) {
  const int64_t open = position();
  if (!at_symbol("(")) fail_expected("'(' behind IN");
  if (at_query(1)) return parse_subquery(ExpressionKind::kInSubquery, std::move(left), at);
  advance();
  if (at_symbol(")")) fail_syntax("IN needs at least one value", position());
  std::vector<ExpressionPtr> children{std::move(left)};
  do {
    children.push_back(parse_expression());
  } while (take_symbol(","));
  expect_close(open);
  return call("in", std::move(children), at);
}

ExpressionPtr Parser::parse_between(ExpressionPtr left, int64_t at) {
  if (at_word("SYMMETRIC")) refuse("BETWEEN SYMMETRIC", position());
  take_word("ASYMMETRIC");
  ExpressionPtr low = parse_expression(kOtherLevel);
  if (!take_word("AND")) fail_expected("AND and the upper bound of BETWEEN");
  ExpressionPtr high = parse_expression(kOtherLevel);
  ExpressionPtr above = call(">=", {left, std::move(low)}, at);
  ExpressionPtr below = call("<=", {std::move(left), std::move(high)}, at);
  return call("and", {std::move(above), std::move(below)}, at);
}

ExpressionPtr Parser::parse_unary() {
  if (peek().kind != TokenKind::kSymbol) return parse_postfix(parse_primary());
  if (at_symbol("-")) return parse_negative();
  if (at_symbol("+")) {
    const Nesting nesting(this);
    advance();
    return parse_unary();
  }
  if (at_symbol("~")) refuse("prefix ~", position());
  if (at_symbol("@")) refuse("@", position());
  return parse_postfix(parse_primary());
}

ExpressionPtr Parser::parse_negative() {
  const Nesting nesting(this);
  const int64_t at = advance().position;
  // The sign belongs to the number: 9223372036854775808 alone is no int64.
  if (peek().kind == TokenKind::kInteger || peek().kind == TokenKind::kFloat) {
    return parse_postfix(parse_number(true, at));
  }
  ExpressionPtr operand = parse_unary();
  if (operand->kind == ExpressionKind::kLiteral && operand->literal.type().is_numeric()) {
    auto negative = std::make_shared<Expression>(*operand);  // a parameter stays one
    const Value& exact = operand->exact;
    negative->position = at;
    negative->literal = negative_value(operand->literal);
    if (!exact.is_null()) negative->exact = Value::decimal(exact.type(), -exact.as_int128());
    return finish(std::move(negative));
  }
  return call("-", {std::move(operand)}, at);
}

ExpressionPtr Parser::parse_postfix(ExpressionPtr left) {
  for (;;) {
    if (take_symbol("::")) {
      auto node = std::make_shared<Expression>();
      node->kind = ExpressionKind::kCast;
      node->position = left->position;
      node->type = parse_type();
      node->children.push_back(std::move(left));
      left = finish(std::move(node));
    } else if (at_symbol("[")) {
      refuse("subscript", position());
    } else if (at_word("COLLATE")) {
      refuse("COLLATE", position());
    } else {
      return left;
    }
  }
}

ExpressionPtr Parser::parse_primary() {
  const Token& token = peek();
  switch (token.kind) {
    case TokenKind::kInteger:
    case TokenKind::kFloat: return parse_number(false, token.position);
    case TokenKind::kString: {
      const Token& text = advance();
      return literal(Value::utf8(text.text), text.position);
    }
    case TokenKind::kBytes: {
      const Token& bytes = advance();
      return literal(Value::binary(bytes.text), bytes.position);
    }
    case TokenKind::kParameter: {
      if (parameters_ != nullptr) {
        const Token& parameter = advance();
        auto value = std::make_shared<Expression>();
        value->kind = ExpressionKind::kLiteral;
        value->position = parameter.position;
        value->parameter = true;
        value->literal = parameters_->value_of(parameter.text, parameter.position);
        return finish(std::move(value));
      }
      auto node = std::make_shared<Expression>();
      node->kind = ExpressionKind::kParameter;
      node->position = token.position;
      node->name = advance().text;
      return finish(std::move(node));
    }
    case TokenKind::kSymbol:
      if (token.text == "(") return parse_parenthesised();
      if (token.text == "[") return parse_vector();
      if (token.text == "*") {
        fail_syntax(
            "expected an expression, found '*'; a star stands alone in SELECT or in count(*)",
            token.position);
      }
      break;
    case TokenKind::kName:
    case TokenKind::kQuotedName: return parse_name();
    case TokenKind::kEnd: break;
  }
  fail_expected("an expression");
}

ExpressionPtr Parser::parse_parenthesised() {
  const int64_t open = position();
  if (at_query(1)) return parse_subquery(ExpressionKind::kSubquery, nullptr, open);
  advance();
  if (at_symbol(")")) fail_syntax("expected an expression between '(' and ')'", position());
  ExpressionPtr inside = parse_expression();
  if (at_symbol(",")) {
    // Read on only to name what it is.
    while (take_symbol(",")) parse_expression();
    expect_close(open);
    refuse(at_word("OVERLAPS") ? "OVERLAPS" : "row value", open);
  }
  expect_close(open);
  return inside;
}

ExpressionPtr Parser::parse_subquery(ExpressionKind kind, ExpressionPtr left, int64_t at) {
  const size_t first = index_ + 1;
  int32_t height = 0;
  auto node = std::make_shared<Expression>();
  node->kind = kind;
  node->position = at;
  node->subquery = parse_query_in_parentheses(&height);
  node->name = source_of(first, index_ - 1);
  if (left) node->children.push_back(std::move(left));
  return finish(std::move(node), height);
}

ExpressionPtr Parser::parse_case() {
  const Nesting nesting(this);
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kCase;
  node->position = advance().position;
  ExpressionPtr operand;
  if (!at_word("WHEN")) operand = parse_expression();
  if (!at_word("WHEN")) fail_expected("WHEN");
  while (take_word("WHEN")) {
    ExpressionPtr condition = parse_expression();
    if (operand) {
      const int64_t at = condition->position;
      condition = call("=", {operand, std::move(condition)}, at);
    }
    node->children.push_back(std::move(condition));
    expect_word("THEN");
    node->children.push_back(parse_expression());
  }
  if (take_word("ELSE")) {
    node->has_else = true;
    node->children.push_back(parse_expression());
  }
  if (!take_word("END")) fail_expected("WHEN, ELSE or END of the CASE");
  return finish(std::move(node));
}

ExpressionPtr Parser::parse_name() {
  if (peek().kind == TokenKind::kName) {
    if (ExpressionPtr special = parse_keyword_call()) return special;
    if (at_any_word(kNoOperand, std::size(kNoOperand))) {
      if (at_word("ORDER") || at_word("GROUP") || at_word("END") || at_word("ALL")) {
        fail_syntax(
            concat("expected an expression, found the keyword ", to_upper_ascii(peek().text),
                   "; a column of that name is written \"", peek().text, "\""),
            position());
      }
      fail_expected("an expression");
    }
  }
  if (at_symbol("(", 1)) return parse_call();
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kColumn;
  node->position = position();
  const auto take_part = [&] {
    node->quoted = peek().kind == TokenKind::kQuotedName;
    node->name = advance().text;
  };
  take_part();
  while (at_symbol(".")) {
    advance();
    if (at_symbol("*")) {
      fail_syntax("expected a column, found '*'; a star stands alone in SELECT or in count(*)",
                  position());
    }
    if (peek().kind != TokenKind::kName && peek().kind != TokenKind::kQuotedName) {
      fail_expected("a column name behind '.'");
    }
    node->qualifier += (node->qualifier.empty() ? "" : ".") + node->name;
    take_part();
  }
  if (at_symbol("(")) {
    fail_syntax(concat("function '", excerpt(node->name), "' has a qualifier; functions have none"),
                node->position);
  }
  return finish(std::move(node));
}

SortKey Parser::parse_sort_key() {
  SortKey key;
  key.expression = parse_expression();
  if (take_word("DESC")) {
    key.descending = true;
  } else if (!take_word("ASC") && at_word("USING")) {
    refuse("ORDER BY USING", position());
  }
  if (take_word("NULLS")) {
    if (take_word("FIRST")) {
      key.nulls_first = true;
    } else if (take_word("LAST")) {
      key.nulls_first = false;
    } else {
      fail_expected("FIRST or LAST behind NULLS");
    }
  }
  return key;
}

std::vector<SortKey> Parser::sort_key_list() {
  std::vector<SortKey> keys;
  do {
    keys.push_back(parse_sort_key());
  } while (take_symbol(","));
  return keys;
}

}  // namespace velaria::sql
