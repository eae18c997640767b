// Everything that is not a query: CREATE, INSERT, COPY and the rest.
#include <limits>

#include "src/base/text.h"
#include "src/sql/parser_state.h"
#include "src/sql/unsupported.h"

namespace velaria::sql {

namespace {

constexpr std::string_view kStatementWords[] = {
    "SELECT", "WITH",   "VALUES",  "CREATE",   "DROP", "INSERT",
    "UPDATE", "DELETE", "EXPLAIN", "DESCRIBE", "SHOW", "COPY",
};

}  // namespace

Statement Parser::parse_statement() {
  Statement statement;
  statement.position = position();
  highest_ = 0;
  statement.body = parse_body();
  return statement;
}

StatementBody Parser::parse_body() {
  if (at_word("SELECT") || at_word("WITH") || at_word("VALUES") || at_symbol("(")) {
    return SelectPtr(parse_query());
  }
  if (at_word("CREATE")) return parse_create();
  if (at_word("DROP")) return parse_drop();
  if (at_word("INSERT")) return parse_insert();
  if (at_word("UPDATE")) return parse_update();
  if (at_word("DELETE")) return parse_delete();
  if (at_word("EXPLAIN")) return parse_explain();
  if (at_word("DESCRIBE") || at_word("DESC")) return parse_describe();
  if (at_word("COPY")) return parse_copy();
  if (at_word("SHOW")) {
    const int64_t at = advance().position;
    if (!take_word("TABLES")) refuse("SHOW", at);
    return ShowTablesStatement{};
  }
  if (peek().kind == TokenKind::kName) {
    const UnsupportedSql* row = find_unsupported(peek().text);
    if (row != nullptr && row->statement) refuse(row->name, position());
    std::vector<std::string> words;
    for (std::string_view word : kStatementWords) words.emplace_back(word);
    std::string hint = did_you_mean(peek().text, words);
    if (hint.empty()) hint = "; statements begin with " + join_texts(words, ", ");
    fail_syntax(concat("expected a statement, found ", describe(peek()), hint), position());
  }
  fail_expected("a statement");
}

StatementBody Parser::parse_create() {
  advance();
  CreateTableStatement create;
  create.or_replace = take_words("OR", "REPLACE");
  create.temporary = take_word("TEMP") || take_word("TEMPORARY");
  const int64_t at = position();
  for (std::string_view word : {"INDEX", "SCHEMA", "DATABASE", "FUNCTION", "PROCEDURE", "TRIGGER",
                                "SEQUENCE", "TYPE", "MACRO", "USER", "ROLE", "EXTENSION"}) {
    if (at_word(word)) refuse(concat("CREATE ", word), at);
  }
  if (at_words("UNIQUE", "INDEX")) refuse("CREATE INDEX", at);
  if (at_word("EXTERNAL")) refuse("CREATE EXTERNAL TABLE", at);
  if (at_word("MATERIALIZED")) refuse("MATERIALIZED VIEW", at);
  if (at_word("RECURSIVE")) refuse("RECURSIVE VIEW", at);
  const bool is_view = take_word("VIEW");
  if (!is_view) {
    if (take_word("SOURCE")) {
      create.kind = CreateTableStatement::Kind::kSource;
    } else if (take_word("SINK")) {
      create.kind = CreateTableStatement::Kind::kSink;
    }
    if (!take_word("TABLE")) {
      fail_expected(create.kind == CreateTableStatement::Kind::kTable
                        ? "TABLE, SOURCE TABLE, SINK TABLE or VIEW"
                        : "TABLE");
    }
  }
  if (at_words("IF", "NOT") && at_word("EXISTS", 2)) {
    // One says what to do with a table of that name, the other to do nothing.
    if (create.or_replace) refuse("OR REPLACE with IF NOT EXISTS", position());
    index_ += 3;
    create.if_not_exists = true;
  }
  create.name = expect_dotted_name(is_view ? "the name of the view" : "the name of the table");
  if (!is_view) return parse_create_table(std::move(create));
  CreateViewStatement view;
  view.or_replace = create.or_replace;
  view.if_not_exists = create.if_not_exists;
  view.temporary = create.temporary;
  view.name = std::move(create.name);
  if (at_symbol("(")) view.column_aliases = name_list("a column name");
  if (!take_word("AS")) fail_expected("AS and a SELECT");
  view.query = parse_query();
  return view;
}

CreateTableStatement Parser::parse_create_table(CreateTableStatement create) {
  if (at_symbol("(") && !at_query(1)) {
    const int64_t open = advance().position;
    do {
      create.columns.push_back(parse_column_definition());
      const ColumnDefinition& added = create.columns.back();
      for (size_t i = 0; i + 1 < create.columns.size(); ++i) {
        if (equals_ignore_case(create.columns[i].name, added.name)) {
          fail_syntax(concat("column '", excerpt(added.name), "' is defined twice"),
                      added.position);
        }
      }
    } while (take_symbol(","));
    expect_close(open);
  }
  if (at_words("PARTITIONED", "BY")) refuse("PARTITIONED BY", position());
  if (take_word("USING")) create.format = to_lower_ascii(expect_name("csv, line or json"));
  if (at_word("OPTIONS")) {
    advance();
    create.has_options = true;
    create.options = parse_options();
  }
  if (at_word("AS")) {
    // The rows of a query are kept in memory: nothing would be written to the path.
    if (create.kind == CreateTableStatement::Kind::kTable &&
        (create.has_options || !create.format.empty())) {
      refuse("USING or OPTIONS with AS SELECT", position());
    }
    advance();
    if (!at_query()) fail_expected("a SELECT");
    create.query = parse_query();
  }
  if (create.columns.empty() && !create.has_options && !create.query && create.format.empty()) {
    fail_expected("a list of columns, USING, OPTIONS(path: '...') or AS SELECT");
  }
  return create;
}

ColumnDefinition Parser::parse_column_definition() {
  const int64_t at = position();
  if (at_words("PRIMARY", "KEY")) refuse("PRIMARY KEY", at);
  if (at_words("FOREIGN", "KEY")) refuse("FOREIGN KEY", at);
  if (at_symbol("(", 1) && (at_word("UNIQUE") || at_word("CHECK"))) refuse(peek().text, at);
  if (at_word("CONSTRAINT") && peek(1).kind == TokenKind::kName &&
      (at_word("PRIMARY", 2) || at_word("FOREIGN", 2) || at_word("UNIQUE", 2) ||
       at_word("CHECK", 2))) {
    refuse("CONSTRAINT", at);
  }
  ColumnDefinition column;
  column.position = at;
  column.name = expect_name("a column name");
  if (peek().kind != TokenKind::kName) {
    fail_expected(concat("the type of column '", excerpt(column.name), "'"));
  }
  column.type = parse_type();
  take_word("NULL");
  const int64_t behind = position();
  if (at_words("NOT", "NULL")) refuse("NOT NULL", behind);
  if (at_word("PRIMARY")) refuse("PRIMARY KEY", behind);
  for (std::string_view word :
       {"UNIQUE", "DEFAULT", "CHECK", "REFERENCES", "CONSTRAINT", "GENERATED", "COLLATE"}) {
    if (at_word(word)) refuse(word, behind);
  }
  return column;
}

std::vector<std::pair<std::string, Value>> Parser::parse_options() {
  const int64_t open = position();
  if (!take_symbol("(")) fail_expected("'(' and options as key: value");
  std::vector<std::pair<std::string, Value>> options;
  if (take_symbol(")")) return options;
  do {
    const int64_t at = position();
    std::string key;
    if (peek().kind == TokenKind::kString) {
      key = advance().text;
    } else {
      key = expect_label("the name of an option");
      while (take_symbol(".")) key += "." + expect_label("the name of an option");
    }
    if (!take_symbol(":")) {
      fail_expected(concat("':' behind the option; options are written ", excerpt(key), ": value"));
    }
    for (const auto& [known, value] : options) {
      if (equals_ignore_case(known, key)) {
        fail_syntax(concat("option '", excerpt(key), "' is given twice"), at);
      }
    }
    options.emplace_back(std::move(key), parse_option_value());
  } while (take_symbol(","));
  expect_close(open);
  return options;
}

Value Parser::parse_option_value() {
  const bool negative = at_symbol("-");
  if (negative) advance();
  const Token& token = peek();
  if (token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat) {
    return number_value(advance(), negative);
  }
  if (negative) fail_expected("a number behind '-'");
  if (token.kind == TokenKind::kString) return Value::utf8(advance().text);
  if (take_word("TRUE")) return Value::boolean(true);
  if (take_word("FALSE")) return Value::boolean(false);
  if (take_word("NULL")) return Value();
  if (token.kind == TokenKind::kName || token.kind == TokenKind::kQuotedName) {
    fail_syntax(concat("expected a value, found ", describe(token),
                       "; text is written in single quotes: '", excerpt(token.text), "'"),
                token.position);
  }
  fail_expected("a string, a number, TRUE, FALSE or NULL");
}

DropStatement Parser::parse_drop() {
  advance();
  DropStatement drop;
  if (at_word("SCHEMA") || at_word("DATABASE")) refuse("DROP SCHEMA", position());
  if (at_word("INDEX")) refuse("DROP INDEX", position());
  if (take_word("VIEW")) {
    drop.view = true;
  } else {
    if (!take_word("SOURCE")) take_word("SINK");
    if (!take_word("TABLE")) fail_expected("TABLE or VIEW");
  }
  drop.if_exists = take_words("IF", "EXISTS");
  drop.name = expect_dotted_name("a name");
  if (at_symbol(",")) refuse("DROP of several names", position());
  if (at_word("CASCADE")) refuse("CASCADE", position());
  take_word("RESTRICT");
  return drop;
}

InsertStatement Parser::parse_insert() {
  advance();
  InsertStatement insert;
  if (at_word("OR")) refuse("INSERT OR", position());
  expect_word("INTO");
  insert.table = expect_dotted_name("the name of a table");
  if (at_symbol("(") && !at_query()) insert.columns = name_list("a column name");
  if (at_words("DEFAULT", "VALUES")) refuse("DEFAULT VALUES", position());
  if (!at_query())
    fail_expected(insert.columns.empty() ? "'(', VALUES or SELECT" : "VALUES or SELECT");
  const int64_t at = position();
  insert.query = parse_query();
  const auto& rows = insert.query->values;
  if (!insert.columns.empty() && !rows.empty() && rows[0].size() != insert.columns.size()) {
    fail_syntax(concat("INSERT names ", insert.columns.size(), " columns and gives ",
                       rows[0].size(), " values"),
                at);
  }
  if (at_words("ON", "CONFLICT")) refuse("ON CONFLICT", position());
  if (at_word("RETURNING")) refuse("RETURNING", position());
  return insert;
}

UpdateStatement Parser::parse_update() {
  advance();
  UpdateStatement update;
  update.table = expect_dotted_name("the name of a table");
  if (!take_word("SET")) fail_expected("SET");
  do {
    if (at_symbol("(")) refuse("UPDATE of several columns at once", position());
    const int64_t at = position();
    std::string column = expect_name("a column name");
    for (const auto& [known, value] : update.assignments) {
      if (equals_ignore_case(known, column)) {
        fail_syntax(concat("column '", excerpt(column), "' is set twice"), at);
      }
    }
    expect_symbol("=");
    update.assignments.emplace_back(std::move(column), parse_expression());
  } while (take_symbol(","));
  if (at_word("FROM")) refuse("UPDATE ... FROM", position());
  if (take_word("WHERE")) update.where = parse_expression();
  if (at_word("RETURNING")) refuse("RETURNING", position());
  return update;
}

DeleteStatement Parser::parse_delete() {
  advance();
  DeleteStatement remove;
  expect_word("FROM");
  remove.table = expect_dotted_name("the name of a table");
  if (at_word("USING")) refuse("DELETE ... USING", position());
  if (take_word("WHERE")) remove.where = parse_expression();
  if (at_word("RETURNING")) refuse("RETURNING", position());
  return remove;
}

ExplainStatement Parser::parse_explain() {
  advance();
  ExplainStatement explain;
  if (at_symbol("(") && !at_query()) refuse("EXPLAIN options", position());
  explain.analyze = take_word("ANALYZE");
  if (at_word("EXPLAIN")) fail_syntax("EXPLAIN explains any statement but EXPLAIN", position());
  Statement inner;
  inner.position = position();
  inner.body = parse_body();
  explain.statement = std::make_shared<const Statement>(std::move(inner));
  return explain;
}

DescribeStatement Parser::parse_describe() {
  advance();
  DescribeStatement describe;
  if (at_query()) {
    describe.query = parse_query();
  } else {
    take_word("TABLE");
    describe.table = expect_dotted_name("the name of a table or a SELECT");
  }
  return describe;
}

CopyStatement Parser::parse_copy() {
  advance();
  CopyStatement copy;
  if (at_symbol("(")) {
    int32_t height = 0;
    copy.query = parse_query_in_parentheses(&height);
  } else {
    copy.table = expect_dotted_name("the name of a table or (SELECT ...)");
    if (at_symbol("(")) refuse("COPY of some columns", position());
  }
  if (at_word("FROM")) refuse("COPY FROM", position());
  if (!take_word("TO")) fail_expected("TO and a path");
  copy.path = expect_string("a path");
  take_word("WITH");
  if (!at_symbol("(")) return copy;
  const int64_t open = advance().position;
  do {
    std::string key = expect_label("the name of an option");
    take_symbol(":");
    // COPY's options are flags or words too: (HEADER, FORMAT csv).
    Value value = Value::boolean(true);
    if (peek().kind == TokenKind::kName && !at_word("TRUE") && !at_word("FALSE") &&
        !at_word("NULL")) {
      value = Value::utf8(advance().text);
    } else if (!at_symbol(",") && !at_symbol(")")) {
      value = parse_option_value();
    }
    copy.options.emplace_back(std::move(key), std::move(value));
  } while (take_symbol(","));
  expect_close(open);
  return copy;
}

}  // namespace velaria::sql
