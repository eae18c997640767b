// What is written with a name and parentheses: functions, CAST, EXTRACT and their like, OVER.
#include "src/base/text.h"
#include "src/sql/parser_state.h"

namespace velaria::sql {

ExpressionPtr Parser::parse_keyword_call() {
  const int64_t at = position();
  const bool open = at_symbol("(", 1);
  if (at_word("CASE")) return parse_case();
  if (at_word("NULL")) return literal(Value(), advance().position);
  if (at_word("TRUE") || at_word("FALSE")) {
    const bool value = at_word("TRUE");
    return literal(Value::boolean(value), advance().position);
  }
  if (at_word("CAST") && open) return parse_cast(false);
  if (at_word("TRY_CAST") && open) return parse_cast(true);
  if (at_word("EXISTS") && open) {
    advance();
    if (!at_query(1)) {
      advance();
      fail_expected("a SELECT behind EXISTS (");
    }
    return parse_subquery(ExpressionKind::kExists, nullptr, at);
  }
  if (at_word("EXTRACT") && open) return parse_extract();
  if (at_word("SUBSTRING") && open) return parse_substring();
  if (at_word("POSITION") && open) return parse_position();
  if (at_word("TRIM") && open) return parse_trim();
  if (at_word("OVERLAY") && open) refuse("OVERLAY", at);
  if (at_word("ROW") && open) refuse("ROW", at);
  if (at_word("ARRAY") && (open || at_symbol("[", 1))) refuse("ARRAY", at);
  if (!open) {
    for (std::string_view word :
         {"CURRENT_DATE", "CURRENT_TIMESTAMP", "CURRENT_TIME", "LOCALTIMESTAMP", "LOCALTIME"}) {
      if (!at_word(word)) continue;
      advance();
      return call(to_lower_ascii(word), {}, at);
    }
  }
  return parse_temporal_literal();
}

ExpressionPtr Parser::parse_call() {
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kCall;
  node->position = position();
  node->quoted = peek().kind == TokenKind::kQuotedName;
  for (std::string_view name : {"APPROX_QUANTILE", "ARRAY_AGG", "JSON_AGG", "HISTOGRAM"}) {
    if (at_word(name)) refuse(name, node->position);
  }
  node->name = advance().text;
  const int64_t open = advance().position;
  if (at_symbol("*")) {
    auto star = std::make_shared<Expression>();
    star->kind = ExpressionKind::kStar;
    star->position = advance().position;
    node->children.push_back(finish(std::move(star)));
  } else if (!at_symbol(")")) {
    node->distinct = take_word("DISTINCT");
    if (!node->distinct) take_word("ALL");
    if (!at_words("ORDER", "BY")) {
      do {
        if (at_name() && (at_symbol("=>", 1) || at_symbol(":=", 1))) {
          refuse("named argument", position());
        }
        node->children.push_back(parse_expression());
      } while (take_symbol(","));
    }
    if (take_words("ORDER", "BY")) node->order_by = sort_key_list();
    take_null_treatment(node.get());
  }
  expect_close(open);
  parse_call_tail(node.get());
  return finish(std::move(node));
}

void Parser::parse_call_tail(Expression* node) {
  if (at_words("WITHIN", "GROUP") && at_symbol("(", 2)) {
    if (!node->order_by.empty()) {
      fail_syntax("this call has two orders; write one ORDER BY", position());
    }
    index_ += 2;
    const int64_t open = advance().position;
    if (!take_words("ORDER", "BY")) fail_expected("ORDER BY");
    node->order_by = sort_key_list();
    expect_close(open);
  }
  if (at_word("FILTER") && at_symbol("(", 1)) {
    advance();
    const int64_t open = advance().position;
    expect_word("WHERE");
    node->filter = parse_expression();
    expect_close(open);
  }
  const int64_t nulls_at = position();
  take_null_treatment(node);
  if (node->ignore_nulls && !at_word("OVER")) {
    fail_syntax("IGNORE NULLS is only possible before OVER (...)", nulls_at);
  }
  if (take_word("OVER")) {
    if (at_symbol("(")) {
      node->over = std::make_shared<const WindowSpec>(parse_window_spec());
    } else {
      WindowSpec spec;
      spec.base_name = expect_name("'(' or the name of a window");
      node->over = std::make_shared<const WindowSpec>(std::move(spec));
    }
  }
}

// Inside the parentheses or behind them.
void Parser::take_null_treatment(Expression* node) {
  if (take_words("IGNORE", "NULLS")) {
    node->ignore_nulls = true;
  } else {
    take_words("RESPECT", "NULLS");
  }
}

WindowSpec Parser::parse_window_spec() {
  const Nesting nesting(this);
  const int64_t open = position();
  expect_symbol("(");
  WindowSpec spec;
  const bool frame_word = at_word("ROWS") || at_word("RANGE") || at_word("GROUPS");
  const bool frame = frame_word && !at_symbol(")", 1) && !at_words("ROWS", "PARTITION") &&
                     !at_word("ORDER", 1) && !at_word("PARTITION", 1);
  if (at_name() && !at_words("PARTITION", "BY") && !frame) {
    spec.base_name = expect_name("the name of a window");
  }
  if (take_words("PARTITION", "BY")) spec.partition_by = expression_list();
  if (take_words("ORDER", "BY")) spec.order_by = sort_key_list();
  if (at_word("ROWS") || at_word("RANGE") || at_word("GROUPS")) parse_frame(&spec);
  if (!at_symbol(")") && !at_end()) {
    fail_expected("PARTITION BY, ORDER BY, a frame (ROWS, RANGE, GROUPS) or ')'");
  }
  expect_close(open);
  return spec;
}

void Parser::parse_frame(WindowSpec* spec) {
  const int64_t at = position();
  spec->has_frame = true;
  spec->unit = at_word("ROWS")    ? WindowSpec::FrameUnit::kRows
               : at_word("RANGE") ? WindowSpec::FrameUnit::kRange
                                  : WindowSpec::FrameUnit::kGroups;
  advance();
  if (take_word("BETWEEN")) {
    spec->start = parse_frame_bound();
    expect_word("AND");
    spec->end = parse_frame_bound();
  } else {
    spec->start = parse_frame_bound();
    spec->end = FrameBound{};
  }
  using Kind = FrameBound::Kind;
  if (spec->start.kind == Kind::kUnboundedFollowing) {
    fail_syntax("a frame cannot begin at UNBOUNDED FOLLOWING", at);
  }
  if (spec->end.kind == Kind::kUnboundedPreceding) {
    fail_syntax("a frame cannot end at UNBOUNDED PRECEDING", at);
  }
  if (spec->start.kind > spec->end.kind) {
    fail_syntax("this frame ends before it begins; write BETWEEN start AND end", at);
  }
  if (at_word("EXCLUDE")) refuse("EXCLUDE in a frame", position());
}

FrameBound Parser::parse_frame_bound() {
  using Kind = FrameBound::Kind;
  if (take_words("CURRENT", "ROW")) return FrameBound{Kind::kCurrentRow, nullptr};
  if (at_word("UNBOUNDED") && (at_word("PRECEDING", 1) || at_word("FOLLOWING", 1))) {
    advance();
    const bool before = at_word("PRECEDING");
    advance();
    return FrameBound{before ? Kind::kUnboundedPreceding : Kind::kUnboundedFollowing, nullptr};
  }
  FrameBound bound;
  bound.offset = parse_expression(kAdditiveLevel);
  if (take_word("PRECEDING")) {
    bound.kind = Kind::kPreceding;
  } else if (take_word("FOLLOWING")) {
    bound.kind = Kind::kFollowing;
  } else {
    fail_expected("PRECEDING or FOLLOWING");
  }
  return bound;
}

ExpressionPtr Parser::parse_cast(bool try_cast) {
  auto node = std::make_shared<Expression>();
  node->kind = ExpressionKind::kCast;
  node->position = advance().position;
  node->try_cast = try_cast;
  const int64_t open = advance().position;
  node->children.push_back(parse_expression());
  if (!take_word("AS")) fail_expected("AS and a type");
  node->type = parse_type();
  if (!take_symbol(")")) {
    if (at_end()) expect_close(open);
    fail_expected("')' behind the type");
  }
  return finish(std::move(node));
}

ExpressionPtr Parser::parse_extract() {
  const int64_t at = advance().position;
  const int64_t open = advance().position;
  const Token& field = peek();
  if (field.kind != TokenKind::kName && field.kind != TokenKind::kString) {
    fail_expected("a field (year, month, day, hour, ...)");
  }
  ExpressionPtr name = literal(Value::utf8(to_lower_ascii(advance().text)), field.position);
  if (!take_word("FROM")) fail_expected("FROM behind the field of EXTRACT");
  ExpressionPtr source = parse_expression();
  expect_close(open);
  return call("date_part", {std::move(name), std::move(source)}, at);
}

ExpressionPtr Parser::parse_substring() {
  const int64_t at = advance().position;
  const int64_t open = advance().position;
  std::vector<ExpressionPtr> arguments{parse_expression()};
  if (at_word("FROM") || at_word("FOR")) {
    if (take_word("FROM")) {
      arguments.push_back(parse_expression());
    } else {
      arguments.push_back(literal(Value::int64(1), position()));
    }
    if (take_word("FOR")) arguments.push_back(parse_expression());
  } else {
    while (take_symbol(",")) arguments.push_back(parse_expression());
  }
  expect_close(open);
  return call("substring", std::move(arguments), at);
}

ExpressionPtr Parser::parse_position() {
  const int64_t at = advance().position;
  const int64_t open = advance().position;
  // Above IN, which is part of the form here.
  ExpressionPtr part = parse_expression(kOtherLevel);
  if (!take_word("IN")) fail_expected("IN: POSITION(part IN text), or strpos(text, part)");
  ExpressionPtr whole = parse_expression(kOtherLevel);
  expect_close(open);
  return call("strpos", {std::move(whole), std::move(part)}, at);
}

ExpressionPtr Parser::parse_trim() {
  const int64_t at = advance().position;
  const int64_t open = advance().position;
  std::string_view name = "trim";
  // `trim(leading)` trims a column of that name.
  if (!at_symbol(")", 1) && !at_symbol(",", 1) && !at_symbol(".", 1)) {
    if (take_word("LEADING")) {
      name = "ltrim";
    } else if (take_word("TRAILING")) {
      name = "rtrim";
    } else {
      take_word("BOTH");
    }
  }
  std::vector<ExpressionPtr> arguments;
  if (take_word("FROM")) {
    arguments.push_back(parse_expression());
  } else {
    ExpressionPtr first = parse_expression();
    if (take_word("FROM")) {
      arguments.push_back(parse_expression());
      arguments.push_back(std::move(first));
    } else {
      arguments.push_back(std::move(first));
      while (take_symbol(",")) arguments.push_back(parse_expression());
    }
  }
  expect_close(open);
  return call(name, std::move(arguments), at);
}

}  // namespace velaria::sql
