#include "tests/sql/tree_dump.h"

#include "src/base/text.h"

namespace velaria::sql {

namespace {

// Unnamed overloads must not hide the public ones.
using sql::dump;
std::string dump(const SortKey& key);

std::string dump(const ExpressionPtr& node) { return node ? dump(*node) : "null"; }

std::string dump_name(const std::string& name, bool quoted) {
  return quoted ? "\"" + name + "\"" : name;
}

template <typename List>
std::string dump_list(const List& list) {
  std::string out;
  for (const auto& element : list) out += " " + dump(element);
  return out;
}

std::string dump(const SortKey& key) {
  std::string out = dump(key.expression);
  if (key.descending) out += "-desc";
  if (key.nulls_first) out += *key.nulls_first ? "-nulls-first" : "-nulls-last";
  return out;
}

std::string dump(const FrameBound& bound) {
  constexpr const char* kNames[] = {"unbounded-preceding", "preceding", "current", "following",
                                    "unbounded-following"};
  std::string out = kNames[static_cast<int>(bound.kind)];
  return bound.offset ? "(" + out + " " + dump(bound.offset) + ")" : out;
}

std::string dump(const WindowSpec& spec) {
  std::string out = "(over";
  if (!spec.base_name.empty()) out += " " + spec.base_name;
  if (!spec.partition_by.empty()) out += " (by" + dump_list(spec.partition_by) + ")";
  if (!spec.order_by.empty()) out += " (order" + dump_list(spec.order_by) + ")";
  if (spec.has_frame) {
    constexpr const char* kUnits[] = {"rows", "range", "groups"};
    out += concat(" (", kUnits[static_cast<int>(spec.unit)], " ", dump(spec.start), " ",
                  dump(spec.end), ")");
  }
  return out + ")";
}

std::string dump(const TableRef& table) {
  std::string out;
  if (table.lateral) out += "lateral ";
  switch (table.kind) {
    case TableRef::Kind::kTable: out += table.is_path ? "'" + table.name + "'" : table.name; break;
    case TableRef::Kind::kSubquery: out += dump(*table.subquery); break;
    case TableRef::Kind::kValues:
      out += "(values";
      for (const auto& row : table.values) out += " [" + dump_list(row) + " ]";
      out += ")";
      break;
    case TableRef::Kind::kFunction:
      out += "(table-function " + table.name + dump_list(table.arguments);
      for (const auto& [name, value] : table.named_arguments) out += " " + name + ":" + dump(value);
      out += ")";
      break;
    case TableRef::Kind::kJoin: {
      constexpr const char* kNames[] = {"inner", "left", "right", "full", "cross", "semi", "anti"};
      out += concat("(", table.natural ? "natural-" : "", kNames[static_cast<int>(table.join_kind)],
                    " ", dump(*table.left), " ", dump(*table.right));
      if (table.on) out += " " + dump(table.on);
      if (!table.using_columns.empty()) {
        out += " (using " + join_texts(table.using_columns, " ") + ")";
      }
      out += ")";
      break;
    }
  }
  if (!table.alias.empty()) out += ":" + table.alias;
  if (!table.column_aliases.empty()) out += "(" + join_texts(table.column_aliases, " ") + ")";
  return out;
}

std::string dump_options(const std::vector<std::pair<std::string, Value>>& options) {
  std::string out = " {";
  for (const auto& [key, value] : options) out += " " + key + ":" + value.to_sql();
  return out + " }";
}

struct BodyDump {
  std::string operator()(const SelectPtr& select) const { return dump(*select); }
  std::string operator()(const CreateTableStatement& create) const {
    constexpr const char* kKinds[] = {"table", "source-table", "sink-table"};
    std::string out = concat("(create-", kKinds[static_cast<int>(create.kind)]);
    if (create.or_replace) out += " or-replace";
    if (create.temporary) out += " temporary";
    if (create.if_not_exists) out += " if-not-exists";
    out += " " + create.name;
    for (const ColumnDefinition& column : create.columns) {
      out += " " + column.name + ":" + column.type.to_string();
    }
    if (!create.format.empty()) out += " using-" + create.format;
    if (create.has_options) out += dump_options(create.options);
    if (create.query) out += " " + dump(*create.query);
    return out + ")";
  }
  std::string operator()(const CreateViewStatement& view) const {
    std::string out = "(create-view";
    if (view.or_replace) out += " or-replace";
    if (view.temporary) out += " temporary";
    if (view.if_not_exists) out += " if-not-exists";
    out += " " + view.name;
    if (!view.column_aliases.empty()) out += "(" + join_texts(view.column_aliases, " ") + ")";
    return out + " " + dump(*view.query) + ")";
  }
  std::string operator()(const DropStatement& drop) const {
    return concat("(drop-", drop.view ? "view" : "table", drop.if_exists ? " if-exists " : " ",
                  drop.name, ")");
  }
  std::string operator()(const InsertStatement& insert) const {
    std::string out = "(insert " + insert.table;
    if (!insert.columns.empty()) out += "(" + join_texts(insert.columns, " ") + ")";
    return out + " " + dump(*insert.query) + ")";
  }
  std::string operator()(const UpdateStatement& update) const {
    std::string out = "(update " + update.table;
    for (const auto& [name, value] : update.assignments) out += " " + name + ":" + dump(value);
    if (update.where) out += " (where " + dump(update.where) + ")";
    return out + ")";
  }
  std::string operator()(const DeleteStatement& remove) const {
    std::string out = "(delete " + remove.table;
    if (remove.where) out += " (where " + dump(remove.where) + ")";
    return out + ")";
  }
  std::string operator()(const ExplainStatement& explain) const {
    return concat("(explain ", explain.analyze ? "analyze " : "", dump(*explain.statement), ")");
  }
  std::string operator()(const DescribeStatement& describe) const {
    return "(describe " + (describe.query ? dump(*describe.query) : describe.table) + ")";
  }
  std::string operator()(const ShowTablesStatement&) const { return "(show-tables)"; }
  std::string operator()(const CopyStatement& copy) const {
    std::string out = "(copy " + (copy.query ? dump(*copy.query) : copy.table);
    out += " '" + copy.path + "'";
    if (!copy.options.empty()) out += dump_options(copy.options);
    return out + ")";
  }
};

}  // namespace

std::string dump(const Expression& node) {
  switch (node.kind) {
    case ExpressionKind::kLiteral: {
      const bool plain = node.literal.is_null() || node.literal.type().id() == TypeId::kInt64 ||
                         node.literal.type().id() == TypeId::kUtf8 ||
                         node.literal.type().id() == TypeId::kBool ||
                         node.literal.type().id() == TypeId::kFloat64;
      return plain ? node.literal.to_sql()
                   : node.literal.to_sql() + "/" + node.literal.type().to_string();
    }
    case ExpressionKind::kColumn:
      return (node.qualifier.empty() ? "" : node.qualifier + ".") +
             dump_name(node.name, node.quoted);
    case ExpressionKind::kStar: return (node.qualifier.empty() ? "" : node.qualifier + ".") + "*";
    case ExpressionKind::kCall: {
      std::string out =
          "(" + (node.quoted ? dump_name(node.name, true) : to_lower_ascii(node.name));
      if (node.distinct) out += " distinct";
      out += dump_list(node.children);
      if (!node.order_by.empty()) out += " (order" + dump_list(node.order_by) + ")";
      if (node.filter) out += " (filter " + dump(node.filter) + ")";
      if (node.over) out += " " + dump(*node.over);
      return out + ")";
    }
    case ExpressionKind::kCast:
      return concat(node.try_cast ? "(try_cast " : "(cast ", dump(node.children[0]), " ",
                    node.type.to_string(), ")");
    case ExpressionKind::kCase:
      return concat(node.has_else ? "(case-else" : "(case", dump_list(node.children), ")");
    case ExpressionKind::kSubquery: return "(subquery " + dump(*node.subquery) + ")";
    case ExpressionKind::kExists: return "(exists " + dump(*node.subquery) + ")";
    case ExpressionKind::kInSubquery:
      return "(in " + dump(node.children[0]) + " " + dump(*node.subquery) + ")";
    case ExpressionKind::kParameter: return node.name;
  }
  return "?";
}

std::string dump(const SelectStatement& select) {
  std::string out = "(";
  for (const CommonTable& table : select.with) {
    out += concat(select.recursive ? "with-recursive " : "with ", table.name);
    if (!table.column_aliases.empty()) out += "(" + join_texts(table.column_aliases, " ") + ")";
    out += "=" + dump(*table.query) + " ";
  }
  if (select.set_operation != SetOperation::kNone) {
    constexpr const char* kNames[] = {
        "", "union", "union-all", "intersect", "intersect-all", "except", "except-all"};
    out += concat(kNames[static_cast<int>(select.set_operation)], " ", dump(*select.left), " ",
                  dump(*select.right));
  } else if (!select.values.empty()) {
    out += "values";
    for (const auto& row : select.values) out += " [" + dump_list(row) + " ]";
  } else {
    out += select.distinct ? "select-distinct" : "select";
    if (!select.distinct_on.empty()) out += " (on" + dump_list(select.distinct_on) + ")";
    out += " [";
    for (size_t i = 0; i < select.items.size(); ++i) {
      if (i > 0) out += " ";
      out += dump(*select.items[i].expression);
      if (!select.items[i].alias.empty()) out += ":" + select.items[i].alias;
    }
    out += "]";
  }
  if (select.from) out += " (from " + dump(*select.from) + ")";
  if (select.where) out += " (where " + dump(select.where) + ")";
  if (select.time_window) {
    out += concat(" (window-by ", dump(select.time_window->time), " ", select.time_window->every_ms,
                  " ", select.time_window->slide_ms, " ", select.time_window->output_column, ")");
  }
  if (select.hybrid_search) {
    out += concat(" (hybrid ", select.hybrid_search->vector_column, " '",
                  select.hybrid_search->query_text, "' ", select.hybrid_search->metric, " ",
                  select.hybrid_search->top_k);
    if (select.hybrid_search->score_threshold) {
      out += " " + format_double(*select.hybrid_search->score_threshold);
    }
    out += ")";
  }
  if (select.group_by_all) out += " group-all";
  if (!select.group_by.empty()) out += " (group" + dump_list(select.group_by) + ")";
  if (select.having) out += " (having " + dump(select.having) + ")";
  for (const auto& [name, spec] : select.windows)
    out += " (window " + name + " " + dump(spec) + ")";
  if (select.qualify) out += " (qualify " + dump(select.qualify) + ")";
  if (!select.order_by.empty()) out += " (order" + dump_list(select.order_by) + ")";
  if (select.limit) out += " (limit " + dump(select.limit) + ")";
  if (select.offset) out += " (offset " + dump(select.offset) + ")";
  return out + ")";
}

std::string dump(const Statement& statement) { return std::visit(BodyDump{}, statement.body); }

}  // namespace velaria::sql
