// Queries: SELECT with its clauses, VALUES, set operations, WITH, ORDER BY and LIMIT.
#include <algorithm>
#include <limits>

#include "src/base/text.h"
#include "src/sql/parameter_reader.h"
#include "src/sql/parser_state.h"

namespace velaria::sql {

bool Parser::at_query(size_t ahead) const {
  // Through parentheses: "((SELECT 1) UNION SELECT 2)" is a query, "((SELECT 1) + 1)" is not.
  size_t first = ahead;
  while (at_symbol("(", first)) ++first;
  const bool query = at_word("SELECT", first) ||
                     (at_word("VALUES", first) && at_symbol("(", first + 1)) ||
                     (at_word("WITH", first) && !at_word("TIME", first + 1));
  if (!query) return false;
  constexpr std::string_view kContinues[] = {"UNION", "INTERSECT", "EXCEPT", "ORDER",
                                             "LIMIT", "OFFSET",    "FETCH"};
  for (size_t i = ahead; i < first; ++i) {
    const int32_t match = peek(i).match;
    if (match < 0) return true;  // never closed; read on as the likelier one to find out where
    const size_t behind = static_cast<size_t>(match) + 1 - index_;
    if (!at_symbol(")", behind) && peek(behind).kind != TokenKind::kEnd &&
        !at_symbol(";", behind) && !at_any_word(kContinues, std::size(kContinues), behind)) {
      return false;
    }
  }
  return true;
}

std::shared_ptr<SelectStatement> Parser::parse_query() {
  const Nesting nesting(this);
  const int64_t at = position();
  SelectStatement with;
  parse_with(&with);
  for (std::string_view word : {"INSERT", "UPDATE", "DELETE"}) {
    if (!with.with.empty() && at_word(word)) refuse("WITH before INSERT", position());
  }
  const bool parenthesised = at_symbol("(");
  std::shared_ptr<SelectStatement> query = parse_set_operations();
  if (with.with.empty() && !at_tail()) return query;
  // (SELECT ... LIMIT 3) ORDER BY a: what is written inside happens first.
  const bool closed =
      !query->with.empty() || !query->order_by.empty() || query->limit || query->offset;
  if (parenthesised && closed) {
    auto star = std::make_shared<Expression>();
    star->kind = ExpressionKind::kStar;
    auto table = std::make_shared<TableRef>();
    table->kind = TableRef::Kind::kSubquery;
    table->position = query->position;
    table->subquery = query;
    auto outer = std::make_shared<SelectStatement>();
    outer->items.push_back(SelectItem{finish(std::move(star)), "", query->position});
    outer->from = std::move(table);
    note_height(highest_ + 1);
    query = std::move(outer);
  }
  query->position = at;
  query->with = std::move(with.with);
  query->recursive = with.recursive;
  parse_tail(query.get());
  return query;
}

SelectPtr Parser::parse_query_in_parentheses(int32_t* height) {
  const int64_t open = position();
  expect_symbol("(");
  const int32_t outside = highest_;
  highest_ = 0;
  SelectPtr query = parse_query();
  *height = highest_ + 1;
  highest_ = std::max(outside, *height);
  if (!at_symbol(")")) {
    if (at_end()) expect_close(open);
    fail_rest("query in parentheses");
  }
  advance();
  return query;
}

void Parser::parse_with(SelectStatement* select) {
  if (!take_word("WITH")) return;
  const Nesting nesting(this);
  select->recursive = take_word("RECURSIVE");
  do {
    CommonTable table;
    table.position = position();
    table.name = expect_name("the name of a WITH query");
    if (at_symbol("(")) table.column_aliases = name_list("a column name");
    expect_word("AS");
    // Whether it is computed once is the planner's to know.
    if (!take_words("NOT", "MATERIALIZED")) take_word("MATERIALIZED");
    if (at_symbol("(") && (at_word("INSERT", 1) || at_word("UPDATE", 1) || at_word("DELETE", 1))) {
      refuse("data-modifying WITH", peek(1).position);
    }
    if (at_symbol("(") && !at_query(1)) {
      advance();
      fail_expected("a SELECT");
    }
    int32_t height = 0;
    table.query = parse_query_in_parentheses(&height);
    for (const CommonTable& known : select->with) {
      if (equals_ignore_case(known.name, table.name)) {
        fail_syntax(concat("WITH has two queries named '", excerpt(table.name), "'"),
                    table.position);
      }
    }
    select->with.push_back(std::move(table));
  } while (take_symbol(","));
}

std::shared_ptr<SelectStatement> Parser::combine(SetOperation operation,
                                                 std::shared_ptr<SelectStatement> left,
                                                 std::shared_ptr<SelectStatement> right) {
  auto query = std::make_shared<SelectStatement>();
  query->position = left->position;
  query->set_operation = operation;
  query->left = std::move(left);
  query->right = std::move(right);
  note_height(highest_ + 1);
  return query;
}

std::shared_ptr<SelectStatement> Parser::parse_set_operations() {
  std::shared_ptr<SelectStatement> left = parse_intersections();
  while (at_word("UNION") || at_word("EXCEPT")) {
    const bool is_union = at_word("UNION");
    advance();
    const bool all = take_word("ALL");
    if (!all) take_word("DISTINCT");
    if (at_words("BY", "NAME")) refuse("UNION BY NAME", position());
    const SetOperation operation = is_union
                                       ? (all ? SetOperation::kUnionAll : SetOperation::kUnion)
                                       : (all ? SetOperation::kExceptAll : SetOperation::kExcept);
    left = combine(operation, std::move(left), parse_intersections());
  }
  return left;
}

std::shared_ptr<SelectStatement> Parser::parse_intersections() {
  std::shared_ptr<SelectStatement> left = parse_query_primary();
  while (take_word("INTERSECT")) {
    const bool all = take_word("ALL");
    if (!all) take_word("DISTINCT");
    left = combine(all ? SetOperation::kIntersectAll : SetOperation::kIntersect, std::move(left),
                   parse_query_primary());
  }
  return left;
}

std::shared_ptr<SelectStatement> Parser::parse_query_primary() {
  if (at_symbol("(")) {
    const int64_t open = advance().position;
    std::shared_ptr<SelectStatement> query = parse_query();
    if (!at_symbol(")") && !at_end()) fail_rest("query in parentheses");
    expect_close(open);
    return query;
  }
  if (at_word("SELECT")) return parse_select();
  if (at_word("VALUES")) {
    auto query = std::make_shared<SelectStatement>();
    query->position = advance().position;
    query->values = values_rows();
    return query;
  }
  if (at_word("TABLE") || at_word("FROM")) refuse(peek().text, position());
  fail_expected("SELECT, VALUES or '('");
}

std::vector<std::vector<ExpressionPtr>> Parser::values_rows() {
  std::vector<std::vector<ExpressionPtr>> rows;
  do {
    const int64_t open = position();
    if (!take_symbol("(")) fail_expected("'(' and the values of a row");
    if (at_word("DEFAULT")) refuse("DEFAULT VALUES", position());
    if (at_symbol(")")) fail_syntax("a row needs at least one value", position());
    rows.push_back(expression_list());
    expect_close(open);
    if (rows.back().size() != rows.front().size()) {
      fail_syntax(concat("row ", rows.size(), " has ", rows.back().size(), " values, row 1 has ",
                         rows.front().size()),
                  open);
    }
  } while (take_symbol(","));
  return rows;
}

std::shared_ptr<SelectStatement> Parser::parse_select() {
  auto select = std::make_shared<SelectStatement>();
  select->position = advance().position;
  if (at_word("TOP") && peek(1).kind == TokenKind::kInteger) refuse("TOP", position());
  if (take_word("DISTINCT")) {
    select->distinct = true;
    if (take_word("ON")) {
      const int64_t open = position();
      expect_symbol("(");
      select->distinct_on = expression_list();
      expect_close(open);
    }
  } else {
    take_word("ALL");
  }
  do {
    select->items.push_back(parse_select_item());
  } while (take_symbol(","));
  if (at_word("INTO")) refuse("SELECT INTO", position());
  if (take_word("FROM")) select->from = parse_from();
  if (take_word("WHERE")) select->where = parse_expression();
  for (;;) {
    const bool window_by = at_words("WINDOW", "BY");
    if (!window_by && !at_words("HYBRID", "SEARCH")) break;
    // A row would be searched once for each of its windows.
    if (window_by ? select->hybrid_search.has_value() : select->time_window.has_value()) {
      refuse("HYBRID SEARCH with WINDOW BY", position());
    }
    if (window_by) {
      if (select->time_window) fail_syntax("WINDOW BY is written twice", position());
      select->time_window = parse_time_window();
    } else {
      if (select->hybrid_search) fail_syntax("HYBRID SEARCH is written twice", position());
      select->hybrid_search = parse_hybrid_search();
    }
  }
  if (take_words("GROUP", "BY")) parse_group_by(select.get());
  if (take_word("HAVING")) select->having = parse_expression();
  for (;;) {
    if (at_word("WINDOW") && !at_word("BY", 1) && select->windows.empty()) {
      parse_named_windows(select.get());
    } else if (at_word("QUALIFY") && !select->qualify) {
      advance();
      select->qualify = parse_expression();
    } else {
      break;
    }
  }
  if (at_words("HYBRID", "SEARCH")) {
    fail_syntax(
        "HYBRID SEARCH stands before GROUP BY, HAVING, WINDOW and QUALIFY, and searches the rows "
        "that WHERE left; to search their result, write FROM (SELECT ...) q HYBRID SEARCH ...",
        position());
  }
  return select;
}

ExpressionPtr Parser::parse_star() {
  size_t ahead = 0;
  while ((peek(ahead).kind == TokenKind::kName || peek(ahead).kind == TokenKind::kQuotedName) &&
         at_symbol(".", ahead + 1)) {
    ahead += 2;
  }
  if (!at_symbol("*", ahead)) return nullptr;
  auto star = std::make_shared<Expression>();
  star->kind = ExpressionKind::kStar;
  star->position = position();
  for (; !at_symbol("*"); advance()) {
    if (at_symbol(".")) continue;
    star->qualifier += (star->qualifier.empty() ? "" : ".") + peek().text;
  }
  advance();
  if (at_word("RENAME") && at_symbol("(", 1)) refuse("star RENAME", position());
  return finish(std::move(star));
}

// EXCLUDE (a, b) or EXCLUDE a, then REPLACE (expression AS c, ...). EXCEPT is another word for
// EXCLUDE only with a list, since a set operation may follow a star.
void Parser::parse_star_changes(SelectItem* item) {
  if (at_word("EXCLUDE") || (at_word("EXCEPT") && at_symbol("(", 1) && !at_query(1))) {
    advance();
    if (at_symbol("(")) {
      item->excluded = name_list("a column name");
    } else {
      item->excluded.push_back(expect_name("a column name"));
    }
  }
  if (!at_word("REPLACE") || !at_symbol("(", 1)) return;
  advance();
  const int64_t open = advance().position;
  do {
    ExpressionPtr expression = parse_expression();
    expect_word("AS");
    item->replaced.emplace_back(expect_name("a column name"), std::move(expression));
  } while (take_symbol(","));
  expect_close(open);
}

SelectItem Parser::parse_select_item() {
  SelectItem item;
  item.position = position();
  item.expression = parse_star();
  if (item.expression) {
    parse_star_changes(&item);
    return item;
  }
  item.expression = parse_expression();
  if (take_word("AS")) {
    item.alias = expect_label("an alias");
  } else if (at_bare_alias()) {
    item.alias = advance().text;
  } else if (peek().kind == TokenKind::kString) {
    fail_syntax(concat("expected ',' or FROM, found ", describe(peek()),
                       "; an alias is written AS name or AS \"name\""),
                position());
  }
  return item;
}

void Parser::parse_group_by(SelectStatement* select) {
  if (at_word("ALL")) {
    advance();
    select->group_by_all = true;
    return;
  }
  const int64_t at = position();
  bool plain = true;
  GroupingSets sets = {{}};
  do {
    // Elements beside each other multiply: GROUP BY a, ROLLUP (b) has the sets (a, b) and (a).
    const GroupingSets element = parse_grouping_element(false, select, &plain);
    if (sets.size() * element.size() > kMostGroupingSets) refuse_many_sets(at);
    GroupingSets product;
    for (const auto& left : sets) {
      for (const auto& right : element) {
        product.push_back(left);
        product.back().insert(product.back().end(), right.begin(), right.end());
      }
    }
    sets = std::move(product);
  } while (take_symbol(","));
  if (!plain) select->grouping_sets = std::move(sets);
}

void Parser::refuse_many_sets(int64_t at) {
  fail(ErrorKind::kSqlUnsupported,
       concat("GROUP BY has more than ", kMostGroupingSets,
              " grouping sets; name fewer with GROUPING SETS"),
       at);
}

// What one element of GROUP BY, or (`nested`) of GROUPING SETS, stands for. `plain` becomes false
// when it is more than an expression.
Parser::GroupingSets Parser::parse_grouping_element(bool nested, SelectStatement* select,
                                                    bool* plain) {
  const Nesting nesting(this);
  const int64_t at = position();
  const bool rollup = at_word("ROLLUP") && at_symbol("(", 1);
  const bool cube = at_word("CUBE") && at_symbol("(", 1);
  const bool sets = at_words("GROUPING", "SETS") && at_symbol("(", 2);
  if (!rollup && !cube && !sets) {
    if (at_symbol("(") && at_symbol(")", 1)) *plain = false;
    if (nested || (at_symbol("(") && at_symbol(")", 1))) return {parse_grouping_set(select)};
    select->group_by.push_back(parse_expression());
    return {{select->group_by.size() - 1}};
  }
  *plain = false;
  advance();
  if (sets) advance();
  const int64_t open = position();
  expect_symbol("(");
  GroupingSets out;
  if (sets) {
    do {
      const GroupingSets inner = parse_grouping_element(true, select, plain);
      out.insert(out.end(), inner.begin(), inner.end());
      if (out.size() > kMostGroupingSets) refuse_many_sets(at);
    } while (take_symbol(","));
    expect_close(open);
    return out;
  }
  GroupingSets parts;
  do {
    parts.push_back(parse_grouping_set(select));
  } while (take_symbol(","));
  expect_close(open);
  if (cube && (parts.size() > 12 || (size_t{1} << parts.size()) > kMostGroupingSets)) {
    refuse_many_sets(at);
  }
  // From all parts to none of them; CUBE in the order of binary numbers, the first part as their
  // highest digit.
  const size_t count = cube ? size_t{1} << parts.size() : parts.size() + 1;
  for (size_t k = 0; k < count; ++k) {
    std::vector<size_t> set;
    for (size_t p = 0; p < parts.size(); ++p) {
      const bool left_out = cube ? (k >> (parts.size() - 1 - p)) & 1 : p + k >= parts.size();
      if (!left_out) set.insert(set.end(), parts[p].begin(), parts[p].end());
    }
    out.push_back(std::move(set));
  }
  return out;
}

// "()", "(a, b)" or one expression.
std::vector<size_t> Parser::parse_grouping_set(SelectStatement* select) {
  const auto add = [&](ExpressionPtr expression) {
    select->group_by.push_back(std::move(expression));
    return select->group_by.size() - 1;
  };
  if (at_symbol("(") && peek().match >= 0) {
    const size_t behind = static_cast<size_t>(peek().match) + 1 - index_;
    if (at_symbol(",", behind) || at_symbol(")", behind) || at_symbol(")", 1)) {
      const int64_t open = advance().position;
      std::vector<size_t> set;
      while (!at_symbol(")")) {
        set.push_back(add(parse_expression()));
        if (!take_symbol(",")) break;
        if (at_symbol(")")) fail_expected("an expression behind ','");
      }
      expect_close(open);
      return set;
    }
  }
  return {add(parse_expression())};
}

void Parser::parse_named_windows(SelectStatement* select) {
  expect_word("WINDOW");
  do {
    const int64_t at = position();
    std::string name = expect_name("the name of a window");
    for (const auto& [known, spec] : select->windows) {
      if (equals_ignore_case(known, name)) {
        fail_syntax(concat("window '", excerpt(name), "' is defined twice"), at);
      }
    }
    expect_word("AS");
    select->windows.emplace_back(std::move(name), parse_window_spec());
  } while (take_symbol(","));
}

TimeWindowClause Parser::parse_time_window() {
  TimeWindowClause window;
  window.position = advance().position;
  expect_word("BY");
  const int64_t time_at = position();
  if (!at_name()) fail_expected("a time column behind WINDOW BY");
  window.time = parse_postfix(parse_name());
  if (window.time->kind != ExpressionKind::kColumn) {
    fail_syntax("WINDOW BY takes a column; compute it in a subquery first", time_at);
  }
  if (!take_word("EVERY")) fail_expected("EVERY and a number of milliseconds");
  window.every_ms = parse_milliseconds("EVERY");
  window.slide_ms = window.every_ms;
  if (take_word("SLIDE")) {
    const int64_t at = position();
    window.slide_ms = parse_milliseconds("SLIDE");
    if (window.slide_ms > window.every_ms) {
      fail(ErrorKind::kSqlSemantic,
           concat("SLIDE ", window.slide_ms, " is larger than EVERY ", window.every_ms,
                  "; rows between two windows would be lost, so SLIDE is at most EVERY"),
           at);
    }
  }
  if (!take_word("AS")) fail_expected("AS and the name of the window's start column");
  window.output_column = expect_name("the name of the window's start column");
  return window;
}

int64_t Parser::parse_milliseconds(std::string_view clause) {
  const int64_t at = position();
  const ExpressionPtr length = parse_unary();
  const auto wrong = [&](std::string_view why) {
    fail(ErrorKind::kSqlSemantic, concat(clause, " ", why), at);
  };
  if (length->kind != ExpressionKind::kLiteral) {
    fail_syntax(concat(clause, " takes a number of milliseconds or an INTERVAL"), at);
  }
  int64_t milliseconds = 0;
  const Value& value = length->literal;
  if (value.type().id() == TypeId::kInt64) {
    milliseconds = value.as_int64();
  } else if (value.type().id() == TypeId::kInterval) {
    const Interval& interval = value.as_interval();
    if (interval.months != 0) {
      wrong("needs an INTERVAL of fixed length; months and years have none");
    }
    if (interval.micros % 1000 != 0) wrong("takes whole milliseconds");
    milliseconds = interval.days * int64_t{86400000} + interval.micros / 1000;
  } else if (value.type().is_numeric() && !value.type().is_float()) {
    wrong("is larger than an int64 of milliseconds");
  } else {
    fail_syntax(concat(clause,
                       " takes a whole number of milliseconds or an INTERVAL, such as "
                       "60000 or INTERVAL '1 minute'"),
                at);
  }
  if (milliseconds <= 0) {
    wrong(concat("is ", milliseconds, " ms, but must be at least 1 ms"));
  }
  return milliseconds;
}

HybridSearchClause Parser::parse_hybrid_search() {
  HybridSearchClause search;
  search.position = position();
  index_ += 2;
  search.vector_column = expect_dotted_name("a vector column behind HYBRID SEARCH");
  if (!take_word("QUERY")) fail_expected("QUERY and a vector such as '[0.1, 0.2]'");
  if (at_symbol("[")) {
    const size_t first = index_;
    parse_vector();
    for (size_t i = first; i < index_; ++i) search.query_text += tokens_[i].text;
  } else if (peek().kind == TokenKind::kParameter && parameters_ != nullptr) {
    const Token& parameter = advance();
    const Value value = parameters_->value_of(parameter.text, parameter.position);
    if (value.is_null() || (!value.type().is_vector() && !value.type().is_string())) {
      fail(ErrorKind::kTypeMismatch,
           concat("the query vector is ", value.type().to_string(),
                  "; give a vector, or text such as '[0.1, 0.2]'"),
           parameter.position);
    }
    search.query_text = value.to_string();
  } else {
    search.query_text = expect_string("the query vector");
  }
  bool metric = false;
  bool top_k = false;
  for (;;) {
    const int64_t at = position();
    if (at_word("METRIC") && !metric) {
      advance();
      metric = true;
      if (peek().kind != TokenKind::kName && peek().kind != TokenKind::kString) {
        fail_expected("a metric: cosine, dot or l2");
      }
      search.metric = to_lower_ascii(advance().text);
    } else if (at_word("TOP_K") && !top_k) {
      advance();
      top_k = true;
      const int64_t number_at = position();
      const ExpressionPtr count = parse_unary();
      if (count->kind != ExpressionKind::kLiteral || count->literal.type().id() != TypeId::kInt64) {
        fail_syntax("TOP_K takes a whole number", number_at);
      }
      search.top_k = count->literal.as_int64();
      if (search.top_k < 1) {
        fail(ErrorKind::kSqlSemantic, concat("TOP_K is ", search.top_k, "; it is at least 1"),
             number_at);
      }
    } else if (at_word("SCORE_THRESHOLD") && !search.score_threshold) {
      advance();
      const ExpressionPtr score = parse_unary();
      const bool is_literal = score->kind == ExpressionKind::kLiteral;
      if (is_literal && score->literal.type().id() == TypeId::kFloat64) {
        search.score_threshold = score->literal.as_double();
      } else if (is_literal && score->literal.type().id() == TypeId::kInt64) {
        search.score_threshold = static_cast<double>(score->literal.as_int64());
      } else {
        fail_syntax("SCORE_THRESHOLD takes a number", at);
      }
    } else if (take_word("AS")) {
      search.score_name = expect_label("the name of the score");
      return search;
    } else {
      return search;
    }
  }
}

bool Parser::at_tail() const {
  return at_words("ORDER", "BY") || at_word("LIMIT") || at_word("OFFSET") || at_word("FETCH") ||
         at_word("FOR");
}

void Parser::parse_tail(SelectStatement* select) {
  if (take_words("ORDER", "BY")) select->order_by = sort_key_list();
  bool limited = false;
  for (;;) {
    const int64_t at = position();
    if (at_word("LIMIT") || at_word("FETCH")) {
      if (limited) fail_syntax("the number of rows is limited twice", at);
      limited = true;
      if (at_word("LIMIT")) {
        parse_limit(select);
      } else {
        parse_fetch(select);
      }
    } else if (at_word("OFFSET")) {
      if (select->offset) fail_syntax("OFFSET is written twice", at);
      advance();
      select->offset = parse_expression();
      if (!take_word("ROWS")) take_word("ROW");
    } else {
      break;
    }
  }
  if (at_words("FOR", "UPDATE") || at_word("FOR")) {
    refuse(at_word("SHARE", 1) ? "FOR SHARE" : "FOR UPDATE", position());
  }
}

void Parser::parse_limit(SelectStatement* select) {
  advance();
  if (take_word("ALL")) return;
  const int64_t at = position();
  select->limit = parse_expression();
  if (at_symbol(",")) refuse("LIMIT with two numbers", at);
  if (at_word("PERCENT") || at_symbol("%")) refuse("LIMIT PERCENT", at);
}

void Parser::parse_fetch(SelectStatement* select) {
  advance();
  if (!take_word("FIRST") && !take_word("NEXT")) fail_expected("FIRST behind FETCH");
  if (at_word("ROW") || at_word("ROWS")) {
    select->limit = literal(Value::int64(1), position());
  } else {
    select->limit = parse_expression(kAdditiveLevel);
  }
  if (at_word("PERCENT")) refuse("LIMIT PERCENT", position());
  if (!take_word("ROWS") && !take_word("ROW")) fail_expected("ROWS");
  if (at_words("WITH", "TIES")) refuse("WITH TIES", position());
  expect_word("ONLY");
}

}  // namespace velaria::sql
