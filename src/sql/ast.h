// SQL statements as written: the tree that the parser makes and the binder reads.
//
// Names are kept as written; positions are byte offsets into the statement's text.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "src/expr/expression.h"

namespace velaria::sql {

struct SelectStatement;
using SelectPtr = std::shared_ptr<const SelectStatement>;

struct SelectItem {
  ExpressionPtr expression;
  std::string alias;  // empty: none
  int64_t position = -1;
  // Of a star: * EXCLUDE (a, b) REPLACE (expression AS c)
  std::vector<std::string> excluded = {};
  std::vector<std::pair<std::string, ExpressionPtr>> replaced = {};
  // Of what a star stands for: the column of FROM, which its name alone may not tell from others.
  std::optional<size_t> column = std::nullopt;
};

struct TableRef;
using TableRefPtr = std::shared_ptr<const TableRef>;

enum class JoinKind { kInner, kLeft, kRight, kFull, kCross, kSemi, kAnti };

struct TableRef {
  enum class Kind {
    kTable,     // name (or 'file.csv', then is_path)
    kSubquery,  // (SELECT ...)
    kJoin,
    kValues,    // (VALUES (...), ...)
    kFunction,  // name(args), e.g. read_csv('x.csv', delimiter => ';') or generate_series(1, 10)
  };
  Kind kind = Kind::kTable;
  int64_t position = -1;
  std::string name;  // may be qualified: "schema.name"
  bool is_path = false;
  std::string alias;
  std::vector<std::string> column_aliases;
  SelectPtr subquery;
  std::vector<std::vector<ExpressionPtr>> values;
  std::vector<ExpressionPtr> arguments;
  std::vector<std::pair<std::string, ExpressionPtr>> named_arguments;
  bool lateral = false;
  // kJoin
  JoinKind join_kind = JoinKind::kInner;
  bool natural = false;
  TableRefPtr left;
  TableRefPtr right;
  ExpressionPtr on;
  std::vector<std::string> using_columns;
};

// WINDOW BY t EVERY 60000 [SLIDE 1000] AS window_start
struct TimeWindowClause {
  ExpressionPtr time;  // a column
  int64_t every_ms = 0;
  int64_t slide_ms = 0;  // equals every_ms when not written
  std::string output_column;
  int64_t position = -1;
};

// HYBRID SEARCH v QUERY '[..]' METRIC m TOP_K k [SCORE_THRESHOLD x] [AS name]
struct HybridSearchClause {
  std::string vector_column;
  std::string query_text;
  std::string metric = "cosine";
  int64_t top_k = 10;
  std::optional<double> score_threshold;
  std::string score_name = "score";
  int64_t position = -1;
};

struct CommonTable {
  std::string name;
  std::vector<std::string> column_aliases;
  SelectPtr query;
  int64_t position = -1;
};

enum class SetOperation {
  kNone,
  kUnion,
  kUnionAll,
  kIntersect,
  kIntersectAll,
  kExcept,
  kExceptAll
};

// Either one SELECT (or VALUES list), or a set operation over two of them. CTEs, ORDER BY, LIMIT
// and OFFSET belong to the whole.
struct SelectStatement {
  int64_t position = -1;
  std::vector<CommonTable> with;
  bool recursive = false;

  SetOperation set_operation = SetOperation::kNone;
  SelectPtr left;
  SelectPtr right;

  bool distinct = false;
  std::vector<ExpressionPtr> distinct_on;
  std::vector<SelectItem> items;
  TableRefPtr from;  // null: no FROM
  ExpressionPtr where;
  std::optional<TimeWindowClause> time_window;
  std::optional<HybridSearchClause> hybrid_search;
  bool group_by_all = false;
  std::vector<ExpressionPtr> group_by;
  // GROUPING SETS, ROLLUP and CUBE, multiplied out: positions in group_by. Empty: one set of all.
  std::vector<std::vector<size_t>> grouping_sets;
  ExpressionPtr having;
  std::vector<std::pair<std::string, WindowSpec>> windows;  // WINDOW w AS (...)
  ExpressionPtr qualify;
  std::vector<std::vector<ExpressionPtr>> values;  // VALUES (...), (...): then items is empty

  std::vector<SortKey> order_by;
  ExpressionPtr limit;
  ExpressionPtr offset;
};

struct ColumnDefinition {
  std::string name;
  DataType type;
  int64_t position = -1;
};

struct CreateTableStatement {
  enum class Kind { kTable, kSource, kSink };  // CREATE [SOURCE|SINK] TABLE
  Kind kind = Kind::kTable;
  bool temporary = false;
  bool or_replace = false;
  bool if_not_exists = false;
  std::string name;
  std::vector<ColumnDefinition> columns;
  std::string format;                                  // USING csv|line|json; empty: not written
  std::vector<std::pair<std::string, Value>> options;  // OPTIONS(key: value, ...)
  bool has_options = false;
  SelectPtr query;  // CREATE TABLE AS
};

struct CreateViewStatement {
  bool or_replace = false;
  bool if_not_exists = false;
  bool temporary = false;
  std::string name;
  std::vector<std::string> column_aliases;
  SelectPtr query;
};

struct DropStatement {
  bool view = false;
  bool if_exists = false;
  std::string name;
};

struct InsertStatement {
  std::string table;
  std::vector<std::string> columns;
  SelectPtr query;  // SELECT or VALUES
};

struct UpdateStatement {
  std::string table;
  std::vector<std::pair<std::string, ExpressionPtr>> assignments;
  ExpressionPtr where;
};

struct DeleteStatement {
  std::string table;
  ExpressionPtr where;
};

struct ExplainStatement {
  bool analyze = false;
  std::shared_ptr<const struct Statement> statement;
};

struct DescribeStatement {
  std::string table;  // DESCRIBE t
  SelectPtr query;    // DESCRIBE SELECT ...
};

struct ShowTablesStatement {};

struct CopyStatement {  // COPY t|(query) TO 'path' [(key value, ...)]
  std::string table;
  SelectPtr query;
  std::string path;
  std::vector<std::pair<std::string, Value>> options;
};

using StatementBody =
    std::variant<SelectPtr, CreateTableStatement, CreateViewStatement, DropStatement,
                 InsertStatement, UpdateStatement, DeleteStatement, ExplainStatement,
                 DescribeStatement, ShowTablesStatement, CopyStatement>;

struct Statement {
  int64_t position = -1;
  StatementBody body;
};

}  // namespace velaria::sql
