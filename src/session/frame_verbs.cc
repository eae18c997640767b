#include "src/session/frame_verbs.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/plan/table_resolver.h"
#include "src/sql/binder.h"
#include "src/sql/parser.h"

namespace velaria {

namespace {

// The only table is the frame itself.
class FrameResolver : public TableResolver {
 public:
  explicit FrameResolver(const PlanPtr& input) : input_(input) {}
  PlanPtr resolve_table(const std::string& name) const override {
    if (name == kName) return input_;
    throw Error(ErrorKind::kCatalog,
                concat("table '", excerpt(name), "' cannot be used in a frame's expressions"));
  }
  PlanPtr resolve_path(const std::string& path) const override { return resolve_table(path); }
  TableSourcePtr single_row() const override {
    throw Error(ErrorKind::kSqlUnsupported, "a frame's expressions read the frame's rows");
  }
  TableSourcePtr memory_table(Schema, std::vector<Chunk>) const override { return single_row(); }

  static constexpr const char* kName = "frame";

 private:
  const PlanPtr& input_;
};

PlanPtr run_sql(const PlanPtr& input, const std::string& text) {
  const sql::Statement statement = sql::parse_statement(text);
  return sql::bind_select(*std::get<sql::SelectPtr>(statement.body), FrameResolver(input), text);
}

std::string quote_name(const std::string& name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

void require_some(const std::vector<std::string>& texts, const char* verb) {
  if (texts.empty()) {
    throw Error(ErrorKind::kInvalidArgument, concat(verb, "() needs at least one argument"));
  }
}

// Each text must be whole by itself, so that no text can change what the others mean.
std::string checked_items(const std::vector<std::string>& items) {
  for (const std::string& item : items) sql::parse_select_item(item);
  return join_texts(items, ", ");
}

std::string checked_expressions(const std::vector<std::string>& expressions) {
  for (const std::string& expression : expressions) sql::parse_expression(expression);
  return join_texts(expressions, ", ");
}

}  // namespace

PlanPtr select_items(const PlanPtr& input, const std::vector<std::string>& items) {
  require_some(items, "select");
  return run_sql(input, "SELECT " + checked_items(items) + " FROM frame");
}

PlanPtr filter_rows(const PlanPtr& input, const std::string& condition) {
  sql::parse_expression(condition);
  return run_sql(input, "SELECT * FROM frame WHERE " + condition);
}

PlanPtr add_column(const PlanPtr& input, const std::string& name, const std::string& expression) {
  sql::parse_expression(expression);
  std::vector<std::string> items;
  bool replaced = false;
  for (const Field& field : input->schema().fields()) {
    const bool same = field.name == name;
    items.push_back(same ? expression + " AS " + quote_name(name) : quote_name(field.name));
    replaced = replaced || same;
  }
  if (!replaced) items.push_back(expression + " AS " + quote_name(name));
  return run_sql(input, "SELECT " + join_texts(items, ", ") + " FROM frame");
}

PlanPtr drop_columns(const PlanPtr& input, const std::vector<std::string>& columns) {
  require_some(columns, "drop");
  std::vector<bool> dropped(input->schema().size(), false);
  for (const std::string& column : columns) dropped[input->schema().require(column)] = true;
  std::vector<std::string> items;
  for (size_t i = 0; i < dropped.size(); ++i) {
    if (!dropped[i]) items.push_back(quote_name(input->schema().field(i).name));
  }
  if (items.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "drop() would leave no column; keep at least one");
  }
  return run_sql(input, "SELECT " + join_texts(items, ", ") + " FROM frame");
}

PlanPtr order_rows(const PlanPtr& input, const std::vector<std::string>& keys) {
  require_some(keys, "order_by");
  for (const std::string& key : keys) sql::parse_sort_key(key);
  return run_sql(input, "SELECT * FROM frame ORDER BY " + join_texts(keys, ", "));
}

PlanPtr limit_rows(const PlanPtr& input, int64_t rows, int64_t offset) {
  if (rows < 0 || offset < 0) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("limit(", rows, ", offset=", offset, "): both must be 0 or more"));
  }
  return std::make_shared<LimitPlan>(input, rows, offset);
}

PlanPtr distinct_rows(const PlanPtr& input) {
  return run_sql(input, "SELECT DISTINCT * FROM frame");
}

PlanPtr window_rows(const PlanPtr& input, const std::string& time_column, int64_t window_ms,
                    const std::string& output_column, int64_t slide_ms) {
  const std::string& column = input->schema().field(input->schema().require(time_column)).name;
  return run_sql(input, concat("SELECT * FROM frame WINDOW BY ", quote_name(column), " EVERY ",
                               window_ms, " SLIDE ", slide_ms, " AS ", quote_name(output_column)));
}

PlanPtr aggregate_rows(const PlanPtr& input, const std::vector<std::string>& keys,
                       const std::vector<std::string>& aggregates) {
  require_some(aggregates, "agg");
  std::string items = checked_items(aggregates);
  std::string text;
  if (keys.empty()) {
    text = "SELECT " + items + " FROM frame";
  } else {
    const std::string grouping = checked_expressions(keys);
    text = "SELECT " + grouping + ", " + items + " FROM frame GROUP BY " + grouping;
  }
  return run_sql(input, text);
}

}  // namespace velaria
