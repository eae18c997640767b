// Inside of the parser: one object reads one text, by recursive descent over its tokens.
//
// Split by grammar: parser.cc (tokens, errors, entry points), parser_expression.cc,
// parser_call.cc (what looks like a function), parser_literal.cc (literals and types),
// parser_select.cc, parser_from.cc, parser_statement.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/sql/ast.h"
#include "src/sql/lexer.h"
#include "src/sql/source_position.h"

namespace velaria::sql {

// Binding strength of operators, weakest first, as in Postgres.
enum Precedence {
  kOrLevel = 1,
  kAndLevel,
  kNotLevel,
  kIsLevel,
  kComparisonLevel,
  kMembershipLevel,  // IN, BETWEEN, LIKE
  kOtherLevel,       // ||, ~
  kAdditiveLevel,
  kMultiplicativeLevel,
  kTimeZoneLevel,  // AT TIME ZONE
};

// Each nested expression, query, table and sign counts one or two. The tests parse this deep on a
// stack of 512 KiB, what a thread gets where the system is stingy.
constexpr int kMaxNesting = 300;
// The same for builds with larger frames (debug, sanitizers), which would get there earlier.
constexpr size_t kMaxStackBytes = 256 * 1024;
constexpr size_t kMostGroupingSets = 4096;  // of one GROUP BY

class ParameterReader;

class Parser {
 public:
  // Without `parameters`, which outlives the parser, parameters stay what they are in the tree.
  explicit Parser(std::string_view text, ParameterReader* parameters = nullptr)
      : text_(text),
        tokens_(tokenize(text)),
        parameters_(parameters),
        stack_base_(__builtin_frame_address(0)) {}

  // parser.cc: whole texts.
  std::vector<Statement> whole_script();
  ExpressionPtr whole_expression();
  SelectItem whole_select_item();
  SortKey whole_sort_key();

 private:
  // Counts depth while it lives.
  class Nesting {
   public:
    explicit Nesting(Parser* parser) : parser_(parser) {
      if (++parser_->nesting_ > kMaxNesting) parser_->fail_nesting();
      const char* here = static_cast<const char*>(__builtin_frame_address(0));
      // Stacks grow downwards wherever we run.
      if (static_cast<const char*>(parser_->stack_base_) - here >
          static_cast<ptrdiff_t>(kMaxStackBytes)) {
        parser_->fail_nesting();
      }
    }
    ~Nesting() { --parser_->nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser* parser_;
  };

  // parser.cc: tokens.
  const Token& peek(size_t ahead = 0) const {
    const size_t i = index_ + ahead;
    return i < tokens_.size() ? tokens_[i] : tokens_.back();
  }
  const Token& advance() { return tokens_[index_ + 1 < tokens_.size() ? index_++ : index_]; }
  int64_t position() const { return peek().position; }
  bool at_end() const { return peek().kind == TokenKind::kEnd; }
  // `word` in upper case; a quoted name is never a keyword.
  bool at_word(std::string_view word, size_t ahead = 0) const;
  bool at_words(std::string_view first, std::string_view second) const {
    return at_word(first) && at_word(second, 1);
  }
  bool at_symbol(std::string_view symbol, size_t ahead = 0) const;
  bool take_word(std::string_view word);
  bool take_words(std::string_view first, std::string_view second);
  bool take_symbol(std::string_view symbol);
  void expect_word(std::string_view word);
  void expect_symbol(std::string_view symbol);
  // The ')' of the '(' that stood at `open`.
  void expect_close(int64_t open);
  bool at_any_word(const std::string_view* words, size_t count, size_t ahead = 0) const;

  // parser.cc: names.
  bool at_name(size_t ahead = 0) const;        // of a table or column; reserved words are none
  bool at_bare_alias(size_t ahead = 0) const;  // an alias without AS
  std::string expect_name(std::string_view what);
  std::string expect_label(std::string_view what);  // also reserved words, as behind AS or '.'
  std::string expect_dotted_name(std::string_view what);      // "schema.name"
  std::vector<std::string> name_list(std::string_view what);  // (a, b), at its '('
  std::string expect_string(std::string_view what);

  // parser.cc: errors.
  [[noreturn]] void fail(ErrorKind kind, std::string_view message, int64_t position) const;
  [[noreturn]] void fail_syntax(std::string_view message, int64_t position) const;
  [[noreturn]] void fail_expected(std::string_view expected) const;
  [[noreturn]] void fail_nesting() const;
  [[noreturn]] void fail_rest(std::string_view behind_what) const;
  // By a name of unsupported.cc.
  [[noreturn]] void refuse(std::string_view name, int64_t position) const;
  std::string describe(const Token& token) const;
  // Source of the tokens [first, last), blanks squeezed, shortened.
  std::string source_of(size_t first, size_t last) const;

  // parser_expression.cc
  ExpressionPtr parse_expression(int min_level = kOrLevel);
  std::vector<ExpressionPtr> expression_list();  // a, b, c
  ExpressionPtr parse_unary();
  ExpressionPtr parse_primary();
  ExpressionPtr parse_postfix(ExpressionPtr left);
  ExpressionPtr parse_chain(ExpressionPtr left, bool conjunction);
  // One operator whose strength is at least `min_level`; false when none follows.
  bool parse_infix(ExpressionPtr* left, int min_level);
  bool parse_word_infix(ExpressionPtr* left, int min_level);
  bool parse_membership(ExpressionPtr* left, int min_level);
  void parse_is(ExpressionPtr* left);
  ExpressionPtr parse_in(ExpressionPtr left, int64_t at);
  ExpressionPtr parse_between(ExpressionPtr left, int64_t at);
  ExpressionPtr parse_parenthesised();
  ExpressionPtr parse_subquery(ExpressionKind kind, ExpressionPtr left, int64_t at);
  ExpressionPtr parse_case();
  ExpressionPtr parse_name();
  ExpressionPtr parse_negative();
  SortKey parse_sort_key();
  std::vector<SortKey> sort_key_list();
  // Measures and shares a node; `inside` is the height of a subquery in it.
  ExpressionPtr finish(std::shared_ptr<Expression> node, int32_t inside = 0);
  ExpressionPtr call(std::string_view name, std::vector<ExpressionPtr> children, int64_t position);
  ExpressionPtr literal(Value value, int64_t position);
  ExpressionPtr number(Value value, Value exact, int64_t position);
  ExpressionPtr negate(const ExpressionPtr& node, bool condition);
  // Notes that something of `height` is part of what is being parsed, and refuses too much.
  void note_height(int32_t height);

  // parser_call.cc
  ExpressionPtr parse_keyword_call();  // null when the word is no special form
  ExpressionPtr parse_call();          // name(...)
  void parse_call_tail(Expression* node);
  void take_null_treatment(Expression* node);
  ExpressionPtr parse_cast(bool try_cast);
  ExpressionPtr parse_extract();
  ExpressionPtr parse_substring();
  ExpressionPtr parse_position();
  ExpressionPtr parse_trim();
  WindowSpec parse_window_spec();  // ( ... )
  void parse_frame(WindowSpec* spec);
  FrameBound parse_frame_bound();

  // parser_literal.cc
  ExpressionPtr parse_number(bool negative, int64_t at);
  Value number_value(const Token& token, bool negative) const;
  static Value exact_number(const Token& token, bool negative);
  static Value integer_value(Int128 number);
  static Value negative_value(const Value& value);
  ExpressionPtr parse_vector();
  ExpressionPtr parse_temporal_literal();  // null when none begins here
  ExpressionPtr parse_interval();
  Value temporal_value(std::string_view type, const Token& text) const;
  DataType parse_type();
  DataType parse_decimal_type(int64_t at);
  DataType parse_timestamp_type(bool with_zone, int64_t at);
  DataType parse_time_type(int64_t at);
  int64_t expect_integer(std::string_view what);
  bool take_time_zone_words(bool* with_zone);

  // parser_select.cc
  bool at_query(size_t ahead = 0) const;  // a query begins, maybe in parentheses
  std::shared_ptr<SelectStatement> parse_query();
  // From '(' to ')'; `height` is that of what is in it.
  SelectPtr parse_query_in_parentheses(int32_t* height);
  std::shared_ptr<SelectStatement> parse_set_operations();
  std::shared_ptr<SelectStatement> parse_intersections();
  std::shared_ptr<SelectStatement> parse_query_primary();
  std::shared_ptr<SelectStatement> parse_select();
  std::shared_ptr<SelectStatement> combine(SetOperation operation,
                                           std::shared_ptr<SelectStatement> left,
                                           std::shared_ptr<SelectStatement> right);
  void parse_with(SelectStatement* select);
  bool at_tail() const;
  void parse_tail(SelectStatement* select);
  void parse_limit(SelectStatement* select);
  void parse_fetch(SelectStatement* select);
  std::vector<std::vector<ExpressionPtr>> values_rows();
  SelectItem parse_select_item();
  void parse_star_changes(SelectItem* item);
  ExpressionPtr parse_star();  // null when no star begins here
  void parse_group_by(SelectStatement* select);
  using GroupingSets = std::vector<std::vector<size_t>>;
  [[noreturn]] void refuse_many_sets(int64_t at);
  GroupingSets parse_grouping_element(bool nested, SelectStatement* select, bool* plain);
  std::vector<size_t> parse_grouping_set(SelectStatement* select);
  void parse_named_windows(SelectStatement* select);
  TimeWindowClause parse_time_window();
  int64_t parse_milliseconds(std::string_view clause);
  HybridSearchClause parse_hybrid_search();

  // parser_from.cc
  TableRefPtr parse_from();
  TableRefPtr parse_joined_table();
  TableRefPtr parse_table();
  bool parse_join(TableRefPtr* left);
  void parse_table_arguments(TableRef* table);
  void parse_table_alias(TableRef* table);

  // parser_statement.cc
  Statement parse_statement();
  StatementBody parse_body();
  StatementBody parse_create();
  CreateTableStatement parse_create_table(CreateTableStatement create);
  ColumnDefinition parse_column_definition();
  DropStatement parse_drop();
  InsertStatement parse_insert();
  UpdateStatement parse_update();
  DeleteStatement parse_delete();
  ExplainStatement parse_explain();
  DescribeStatement parse_describe();
  CopyStatement parse_copy();
  std::vector<std::pair<std::string, Value>> parse_options();  // (key: value, ...)
  Value parse_option_value();

  std::string_view text_;
  std::vector<Token> tokens_;
  ParameterReader* parameters_;
  const void* stack_base_;
  size_t index_ = 0;
  int nesting_ = 0;
  int32_t highest_ = 0;  // of the expressions and queries made since it was last set to 0
};

}  // namespace velaria::sql
