// FROM: tables, subqueries, table functions and joins.
#include <algorithm>

#include "src/base/text.h"
#include "src/sql/parser_state.h"

namespace velaria::sql {

TableRefPtr Parser::parse_from() {
  TableRefPtr left = parse_joined_table();
  while (at_symbol(",")) {
    const int64_t at = advance().position;
    auto join = std::make_shared<TableRef>();
    join->kind = TableRef::Kind::kJoin;
    join->join_kind = JoinKind::kCross;
    join->position = at;
    join->left = std::move(left);
    join->right = parse_joined_table();
    left = std::move(join);
    note_height(highest_ + 1);
  }
  return left;
}

TableRefPtr Parser::parse_joined_table() {
  TableRefPtr left = parse_table();
  while (parse_join(&left)) {
  }
  return left;
}

bool Parser::parse_join(TableRefPtr* left) {
  const size_t start = index_;
  const int64_t at = position();
  auto join = std::make_shared<TableRef>();
  join->kind = TableRef::Kind::kJoin;
  join->position = at;
  if (at_words("ASOF", "JOIN")) refuse("ASOF JOIN", at);
  if (at_words("POSITIONAL", "JOIN")) refuse("POSITIONAL JOIN", at);
  join->natural = take_word("NATURAL");
  if (take_word("CROSS")) {
    join->join_kind = JoinKind::kCross;
  } else if (at_words("SEMI", "JOIN") || at_words("ANTI", "JOIN")) {
    join->join_kind = at_word("SEMI") ? JoinKind::kSemi : JoinKind::kAnti;
    advance();
  } else if (take_word("LEFT")) {
    join->join_kind = JoinKind::kLeft;
    if (take_word("SEMI")) {
      join->join_kind = JoinKind::kSemi;
    } else if (take_word("ANTI")) {
      join->join_kind = JoinKind::kAnti;
    } else {
      take_word("OUTER");
    }
  } else if (take_word("RIGHT")) {
    join->join_kind = JoinKind::kRight;
    take_word("OUTER");
  } else if (take_word("FULL")) {
    join->join_kind = JoinKind::kFull;
    take_word("OUTER");
  } else {
    take_word("INNER");
  }
  if (!take_word("JOIN")) {
    if (index_ == start) return false;
    fail_expected("JOIN");
  }
  if (join->natural && join->join_kind == JoinKind::kCross) {
    fail_syntax("a join is NATURAL or CROSS, not both", at);
  }
  join->left = std::move(*left);
  join->right = parse_table();
  const bool wants_condition = !join->natural && join->join_kind != JoinKind::kCross;
  if (at_word("ON") || at_word("USING")) {
    if (!wants_condition) {
      fail_syntax(concat("a ", join->natural ? "NATURAL" : "CROSS", " JOIN has no ",
                         at_word("ON") ? "ON" : "USING"),
                  position());
    }
    if (take_word("ON")) {
      join->on = parse_expression();
    } else {
      advance();
      join->using_columns = name_list("a column name");
    }
  } else if (wants_condition) {
    fail_expected("ON or USING of the JOIN (a join without condition is a CROSS JOIN)");
  }
  *left = std::move(join);
  note_height(highest_ + 1);
  return true;
}

TableRefPtr Parser::parse_table() {
  const Nesting nesting(this);
  auto table = std::make_shared<TableRef>();
  table->position = position();
  table->lateral = take_word("LATERAL");
  if (peek().kind == TokenKind::kString) {
    table->name = advance().text;
    table->is_path = true;
    if (at_symbol("("))
      fail_syntax("a path has no arguments; use read_csv('...', ...)", position());
  } else if (at_symbol("(")) {
    if (!at_query(1)) {
      if (table->lateral) {
        fail(ErrorKind::kSqlUnsupported,
             "LATERAL takes a subquery, but a join in parentheses stands here; write LATERAL "
             "(SELECT "
             "...) for the table of it that reads others",
             table->position);
      }
      const int64_t open = advance().position;
      TableRefPtr inside = parse_from();
      expect_close(open);
      if (at_word("AS") || at_bare_alias()) {
        fail_syntax("a join in parentheses has no alias; give its tables aliases", position());
      }
      return inside;
    }
    int32_t height = 0;
    SelectPtr query = parse_query_in_parentheses(&height);
    note_height(std::max(highest_, height + 1));
    const bool only_values = !query->values.empty() && query->with.empty() &&
                             query->order_by.empty() && !query->limit && !query->offset;
    if (only_values) {
      table->kind = TableRef::Kind::kValues;
      table->values = query->values;
    } else {
      table->kind = TableRef::Kind::kSubquery;
      table->subquery = std::move(query);
    }
  } else {
    if (at_word("SELECT") || at_word("VALUES")) {
      if (at_word("SELECT") || at_symbol("(", 1)) {
        fail_syntax("a query in FROM stands in parentheses: FROM (SELECT ...) AS t", position());
      }
    }
    table->name = expect_dotted_name("a table");
    if (at_symbol("(")) {
      table->kind = TableRef::Kind::kFunction;
      parse_table_arguments(table.get());
    }
  }
  parse_table_alias(table.get());
  return table;
}

void Parser::parse_table_arguments(TableRef* table) {
  const int64_t open = position();
  expect_symbol("(");
  if (take_symbol(")")) return;
  do {
    // No column is in sight here, so `name = value` can only name an argument.
    if (at_name() && (at_symbol("=>", 1) || at_symbol(":=", 1) || at_symbol("=", 1))) {
      const int64_t at = position();
      std::string name = advance().text;
      advance();
      for (const auto& [known, value] : table->named_arguments) {
        if (equals_ignore_case(known, name)) {
          fail_syntax(concat("argument '", excerpt(name), "' is given twice"), at);
        }
      }
      table->named_arguments.emplace_back(std::move(name), parse_expression());
    } else if (at_name() && at_symbol(":", 1)) {
      fail_syntax(concat("an argument is named by '=>', as in ", excerpt(peek().text), " => ..."),
                  position());
    } else {
      if (!table->named_arguments.empty()) {
        fail_syntax("arguments without a name stand in front of those with one", position());
      }
      table->arguments.push_back(parse_expression());
    }
  } while (take_symbol(","));
  expect_close(open);
}

void Parser::parse_table_alias(TableRef* table) {
  for (std::string_view word : {"TABLESAMPLE", "PIVOT", "UNPIVOT", "MATCH_RECOGNIZE"}) {
    if (at_word(word) && (word == "TABLESAMPLE" || at_symbol("(", 1))) refuse(word, position());
  }
  if (at_words("WITH", "ORDINALITY")) refuse("WITH ORDINALITY", position());
  if (take_word("AS")) {
    table->alias = expect_name("an alias");
  } else if (at_bare_alias()) {
    table->alias = advance().text;
  }
  if (!table->alias.empty() && at_symbol("(")) {
    table->column_aliases = name_list("a column alias");
  }
  if (at_word("TABLESAMPLE")) refuse("TABLESAMPLE", position());
}

}  // namespace velaria::sql
