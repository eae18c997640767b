#include "src/session/frame_verbs.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/plan/table_resolver.h"
#include "src/sql/binder.h"
#include "src/sql/parser.h"

namespace velaria {

namespace {

// The only tables are the frame itself and the other one of a verb over two.
class FrameResolver : public TableResolver {
 public:
  FrameResolver(const PlanPtr& input, const PlanPtr& other, const UserFunctions* functions)
      : input_(input), other_(other), functions_(functions) {}
  PlanPtr resolve_table(const std::string& name) const override {
    if (name == kName) return input_;
    if (other_ && name == kOther) return other_;
    throw Error(ErrorKind::kCatalog,
                concat("table '", excerpt(name), "' cannot be used in a frame's expressions"));
  }
  PlanPtr resolve_path(const std::string& path) const override { return resolve_table(path); }
  PlanPtr resolve_function(const std::string& name, const std::vector<Value>&,
                           const std::vector<std::pair<std::string, Value>>&) const override {
    return resolve_table(name);
  }
  TableSourcePtr single_row() const override {
    throw Error(ErrorKind::kSqlUnsupported, "a frame's expressions read the frame's rows");
  }
  TableSourcePtr memory_table(Schema, std::vector<Chunk>) const override { return single_row(); }
  const UserFunctions* user_functions() const override { return functions_; }

  static constexpr const char* kName = "frame";
  static constexpr const char* kOther = "other";

 private:
  const PlanPtr& input_;
  const PlanPtr& other_;
  const UserFunctions* functions_;
};

PlanPtr run_sql(const PlanPtr& input, const std::string& text, const PlanPtr& other = nullptr,
                const UserFunctions* functions = nullptr) {
  const sql::Statement statement = sql::parse_statement(text);
  return sql::bind_select(*std::get<sql::SelectPtr>(statement.body),
                          FrameResolver(input, other, functions), text);
}

void require_some(const std::vector<std::string>& texts, const char* verb) {
  if (texts.empty()) {
    throw Error(ErrorKind::kInvalidArgument, concat(verb, "() needs at least one argument"));
  }
}

// A comment at the end of a text would run into what stands behind it.
std::string ended(const std::string& text) {
  return text.find("--") == std::string::npos ? text : text + "\n";
}

std::string list_of(std::vector<std::string> texts) {
  for (std::string& text : texts) text = ended(text);
  return join_texts(texts, ", ");
}

// Each text must be whole by itself, so that no text can change what the others mean.
std::string checked_items(const std::vector<std::string>& items) {
  for (const std::string& item : items) sql::parse_select_item(item);
  return list_of(items);
}

std::string checked_expressions(const std::vector<std::string>& expressions) {
  for (const std::string& expression : expressions) sql::parse_expression(expression);
  return list_of(expressions);
}

}  // namespace

std::string quote_name(const std::string& name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

PlanPtr select_items(const PlanPtr& input, const std::vector<std::string>& items,
                     const UserFunctions* functions) {
  require_some(items, "select");
  return run_sql(input, "SELECT " + checked_items(items) + " FROM frame", nullptr, functions);
}

PlanPtr filter_rows(const PlanPtr& input, const std::string& condition,
                    const UserFunctions* functions) {
  sql::parse_expression(condition);
  return run_sql(input, "SELECT * FROM frame WHERE " + condition, nullptr, functions);
}

PlanPtr add_column(const PlanPtr& input, const std::string& name, const std::string& expression,
                   const UserFunctions* functions) {
  sql::parse_expression(expression);
  std::vector<std::string> items;
  bool replaced = false;
  for (const Field& field : input->schema().fields()) {
    const bool same = field.name == name;
    items.push_back(same ? ended(expression) + " AS " + quote_name(name) : quote_name(field.name));
    replaced = replaced || same;
  }
  if (!replaced) items.push_back(ended(expression) + " AS " + quote_name(name));
  return run_sql(input, "SELECT " + join_texts(items, ", ") + " FROM frame", nullptr, functions);
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

PlanPtr order_rows(const PlanPtr& input, const std::vector<std::string>& keys,
                   const UserFunctions* functions) {
  require_some(keys, "order_by");
  for (const std::string& key : keys) sql::parse_sort_key(key);
  return run_sql(input, "SELECT * FROM frame ORDER BY " + list_of(keys), nullptr, functions);
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

PlanPtr join_frames(const PlanPtr& left, const PlanPtr& right, const std::string& how,
                    const std::vector<std::string>& columns, const std::string& condition,
                    const UserFunctions* functions) {
  const std::vector<std::string> kinds = {"inner", "left", "right", "full",
                                          "semi",  "anti", "cross"};
  if (std::find(kinds.begin(), kinds.end(), how) == kinds.end()) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("join(how='", excerpt(how), "')", did_you_mean(how, kinds), "; how is ",
                       join_texts(kinds, ", ")));
  }
  const bool cross = how == "cross";
  const bool has_condition = !columns.empty() || !condition.empty();
  if (cross == has_condition) {
    throw Error(ErrorKind::kInvalidArgument,
                cross ? "a cross join has no `on`"
                      : "join() needs `on`: columns of both frames, or a condition over l and r");
  }
  std::string text = concat("SELECT * FROM frame AS l ", to_upper_ascii(how), " JOIN other AS r");
  if (!columns.empty()) {
    std::vector<std::string> names;
    for (const std::string& column : columns) {
      names.push_back(quote_name(left->schema().field(left->schema().require(column)).name));
    }
    text += " USING (" + join_texts(names, ", ") + ")";
  } else if (!condition.empty()) {
    sql::parse_expression(condition);
    text += " ON (" + ended(condition) + ")";
  }
  return run_sql(left, text, right, functions);
}

PlanPtr combine_frames(const PlanPtr& left, const PlanPtr& right, const std::string& operation) {
  return run_sql(left, "SELECT * FROM frame " + operation + " SELECT * FROM other", right);
}

PlanPtr rename_columns(const PlanPtr& input,
                       const std::vector<std::pair<std::string, std::string>>& names) {
  std::vector<std::string> renamed = input->schema().names();
  for (const auto& [from, to] : names) renamed[input->schema().require(from)] = to;
  std::vector<std::string> items;
  for (size_t i = 0; i < renamed.size(); ++i) {
    if (renamed[i].empty()) {
      throw Error(ErrorKind::kInvalidArgument, "rename(): a column needs a name that is not empty");
    }
    items.push_back(
        concat(quote_name(input->schema().field(i).name), " AS ", quote_name(renamed[i])));
  }
  return run_sql(input, "SELECT " + join_texts(items, ", ") + " FROM frame");
}

PlanPtr aggregate_rows(const PlanPtr& input, const std::vector<std::string>& keys,
                       const std::vector<std::string>& aggregates, const UserFunctions* functions) {
  require_some(aggregates, "agg");
  std::string items = checked_items(aggregates);
  std::string text;
  if (keys.empty()) {
    text = "SELECT " + items + " FROM frame";
  } else {
    const std::string grouping = checked_expressions(keys);
    text = "SELECT " + grouping + ", " + items + " FROM frame GROUP BY " + grouping;
  }
  return run_sql(input, text, nullptr, functions);
}

}  // namespace velaria
