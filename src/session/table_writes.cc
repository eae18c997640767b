#include "src/session/table_writes.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"
#include "src/session/assignment.h"
#include "src/session/source_notes.h"
#include "src/sql/binder.h"

namespace velaria {

namespace {

PlanPtr bind(const WriteContext& context, const sql::SelectStatement& select) {
  PlanPtr plan = sql::bind_select(select, *context.engine, context.text, context.statement_time_us);
  add_warnings_of_plan(*plan, context.warnings);
  return plan;
}

std::shared_ptr<MemoryTable> target_of(const WriteContext& context, const std::string& name,
                                       const char* verb) {
  const Engine::Entry entry = context.engine->entry(name);
  if (entry.table) return entry.table;
  const auto refuse = [&](const char* what, const char* instead) {
    throw Error(ErrorKind::kTableKind,
                concat("'", entry.name, "' is ", what, ": ", verb, " is not possible; ", instead));
  };
  switch (entry.kind) {
    case Engine::EntryKind::kTable:
      refuse("a table over a file", "copy it into memory with CREATE TABLE ... AS SELECT first");
      break;
    case Engine::EntryKind::kView: refuse("a view", "write to the table that it reads"); break;
    case Engine::EntryKind::kStreamSource:
      refuse("a stream source, which is read-only", "push rows into the source itself");
      break;
    case Engine::EntryKind::kStreamSink:
      refuse("a stream sink", "INSERT INTO it is a stream query: run it with start_stream_sql()");
      break;
  }
  return nullptr;
}

// ---- making trees; positions stay those of the statement's text

std::shared_ptr<Expression> new_expression(ExpressionKind kind, const std::string& name) {
  auto out = std::make_shared<Expression>();
  out->kind = kind;
  out->name = name;
  out->quoted = true;
  return out;
}

ExpressionPtr star() { return new_expression(ExpressionKind::kStar, "*"); }

ExpressionPtr make_case(std::vector<ExpressionPtr> parts, bool has_else) {
  auto out = new_expression(ExpressionKind::kCase, "");
  out->position = parts[0]->position;
  out->children = std::move(parts);
  out->has_else = has_else;
  out->measure();
  return out;
}

std::shared_ptr<sql::SelectStatement> select_from(sql::TableRefPtr from) {
  auto out = std::make_shared<sql::SelectStatement>();
  out->from = std::move(from);
  return out;
}

sql::TableRefPtr table_ref(const std::string& name) {
  auto out = std::make_shared<sql::TableRef>();
  out->name = name;
  return out;
}

// WHERE of UPDATE and DELETE, bound as that of a query, for its errors.
void check_condition(const WriteContext& context, const std::string& table,
                     const ExpressionPtr& condition) {
  const auto probe = select_from(table_ref(table));
  probe->items.push_back({make_literal(Value::int64(1)), "", -1});
  probe->where = condition;
  bind(context, *probe);
}

bool has_window_function(const Expression& expression) {
  return expression.over != nullptr ||
         std::any_of(expression.children.begin(), expression.children.end(),
                     [](const ExpressionPtr& child) { return has_window_function(*child); });
}

// ---- rows

std::string column_list(const Schema& schema) {
  return excerpt(join_texts(schema.names(), ", "), 300);
}

// The query's rows as rows of the table; sources[i] is the query's column for column i of the table
// (none: NULL).
std::vector<Chunk> assign_chunks(std::vector<Chunk> chunks, const Schema& schema,
                                 const std::vector<std::optional<size_t>>& sources) {
  for (Chunk& chunk : chunks) {
    std::vector<ColumnPtr> columns;
    for (size_t i = 0; i < schema.size(); ++i) {
      const Field& field = schema.field(i);
      columns.push_back(sources[i] ? assign_values(chunk.columns[*sources[i]], field)
                                   : Column::nulls(field.type, chunk.rows));
    }
    chunk.columns = std::move(columns);
  }
  return chunks;
}

// Whether both rows of VALUES are literals of the same types (a NULL has any).
bool same_literals(const std::vector<ExpressionPtr>& a, const std::vector<ExpressionPtr>& b) {
  const auto same = [](const ExpressionPtr& x, const ExpressionPtr& y) {
    if (x->kind != ExpressionKind::kLiteral || y->kind != ExpressionKind::kLiteral) return false;
    return x->literal.is_null() || y->literal.is_null() || x->literal.type() == y->literal.type();
  };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same);
}

// VALUES finds one type for a column of all its rows, through which a value could change on its way
// into the table: 9007199254740993 beside 5e0. So rows of other types become queries of their own.
std::vector<sql::SelectPtr> split_values(const sql::SelectPtr& query) {
  const auto& rows = query->values;
  if (rows.empty() || !query->order_by.empty() || query->limit || query->offset) return {query};
  std::vector<std::shared_ptr<sql::SelectStatement>> parts;
  std::vector<ExpressionPtr> types;  // of the part so far: the literals that are not NULL
  for (const std::vector<ExpressionPtr>& row : rows) {
    if (parts.empty() || !same_literals(types, row)) {
      parts.push_back(std::make_shared<sql::SelectStatement>(*query));
      parts.back()->values.clear();
      types = row;
    }
    parts.back()->values.push_back(row);
    for (size_t c = 0; c < row.size(); ++c) {
      if (types[c]->literal.is_null()) types[c] = row[c];
    }
  }
  return {parts.begin(), parts.end()};
}

std::vector<std::optional<size_t>> in_order(size_t columns) {
  std::vector<std::optional<size_t>> out(columns);
  for (size_t i = 0; i < columns; ++i) out[i] = i;
  return out;
}

// A column of the old values where `changed` is false, of the new ones where it is true.
ColumnPtr choose(const ColumnPtr& old_values, const ColumnPtr& new_values,
                 const std::vector<uint32_t>& which, const std::vector<uint32_t>& kept,
                 const std::vector<uint32_t>& changed) {
  return interleave(old_values->type(),
                    {take(old_values, kept.data(), static_cast<int64_t>(kept.size())),
                     take(new_values, changed.data(), static_cast<int64_t>(changed.size()))},
                    which);
}

// INSERT and UPDATE find a column by its name.
void refuse_doubled_names(const std::string& table, const std::vector<Field>& fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (!equals_ignore_case(fields[i].name, fields[j].name)) continue;
      throw Error(ErrorKind::kSqlSemantic,
                  concat("column '", excerpt(fields[i].name), "' of table ", table,
                         " is given twice, as its columns ", j + 1, " and ", i + 1,
                         "; give one of them another name with AS"));
    }
  }
}

}  // namespace

std::shared_ptr<MemoryTable> make_memory_table(const WriteContext& context,
                                               const sql::CreateTableStatement& create) {
  Engine& engine = *context.engine;
  std::vector<Field> fields;
  for (const sql::ColumnDefinition& column : create.columns) {
    fields.push_back({column.name, column.type});
  }
  std::vector<Chunk> chunks;
  if (create.query) {
    const PlanPtr plan = bind(context, *create.query);
    if (fields.empty()) {
      fields = plan->schema().fields();
      refuse_doubled_names(create.name, fields);
    }
    QueryResult result = engine.run(plan);
    if (fields.size() != result.schema.size()) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("table ", create.name, " is made of ", fields.size(),
                         " columns, but its query gives ", result.schema.size()));
    }
    chunks = std::move(result.chunks);
  }
  const Schema schema(std::move(fields));
  auto table = std::make_shared<MemoryTable>(schema, engine.budget());
  table->append(table->lock_writers(nullptr),
                assign_chunks(std::move(chunks), schema, in_order(schema.size())));
  return table;
}

int64_t insert_rows(const WriteContext& context, const sql::InsertStatement& insert) {
  const std::shared_ptr<MemoryTable> table = target_of(context, insert.table, "INSERT");
  const Schema& schema = table->schema();
  std::vector<std::optional<size_t>> sources(schema.size());
  for (size_t i = 0; i < insert.columns.size(); ++i) {
    std::optional<size_t>& source = sources[schema.require(insert.columns[i])];
    if (source) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("INSERT names the column '", excerpt(insert.columns[i]), "' twice"));
    }
    source = i;
  }
  if (insert.columns.empty()) sources = in_order(schema.size());
  const size_t expected = insert.columns.empty() ? schema.size() : insert.columns.size();
  std::vector<Chunk> chunks;
  int64_t rows = 0;
  for (const sql::SelectPtr& query : split_values(insert.query)) {
    const PlanPtr plan = bind(context, *query);
    if (plan->schema().size() != expected) {
      throw Error(ErrorKind::kSqlSemantic,
                  insert.columns.empty()
                      ? concat("INSERT gives ", plan->schema().size(), " values a row, but table ",
                               insert.table, " has ", expected, " columns: ", column_list(schema))
                      : concat("INSERT names ", expected, " columns, but its query gives ",
                               plan->schema().size()));
    }
    QueryResult result = context.engine->run(plan);
    rows += result.rows;
    for (Chunk& chunk : assign_chunks(std::move(result.chunks), schema, sources)) {
      chunks.push_back(std::move(chunk));
    }
  }
  table->append(table->lock_writers(context.engine->options().interrupt_check), std::move(chunks));
  return rows;
}

int64_t update_rows(const WriteContext& context, const sql::UpdateStatement& update) {
  const std::shared_ptr<MemoryTable> table = target_of(context, update.table, "UPDATE");
  const Schema& schema = table->schema();
  const size_t width = schema.size();
  if (update.where) check_condition(context, update.table, update.where);

  // SELECT *, CASE WHEN matched THEN value END ...
  // FROM (SELECT *, CASE WHEN condition THEN TRUE ELSE FALSE END AS matched FROM t) AS t
  const std::string matched = "row matches";
  const auto inner = select_from(table_ref(update.table));
  const ExpressionPtr yes = make_literal(Value::boolean(true));
  const ExpressionPtr no = make_literal(Value::boolean(false));
  inner->items.push_back({star(), "", -1});
  inner->items.push_back(
      {update.where ? make_case({update.where, yes, no}, true) : yes, matched, -1});
  auto from = std::make_shared<sql::TableRef>();
  from->kind = sql::TableRef::Kind::kSubquery;
  from->subquery = inner;
  from->alias = update.table;
  const auto outer = select_from(from);
  outer->items.push_back({star(), "", -1});
  std::vector<std::optional<size_t>> new_values(width);
  for (size_t i = 0; i < update.assignments.size(); ++i) {
    const auto& [name, value] = update.assignments[i];
    std::optional<size_t>& place = new_values[schema.require(name)];
    if (place) {
      throw Error(ErrorKind::kSqlSemantic, concat("column '", excerpt(name), "' is set twice"));
    }
    if (has_window_function(*value)) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("SET ", excerpt(name),
                         ": a window function is not possible here; compute it in a subquery"));
    }
    place = width + 1 + i;
    const ExpressionPtr guard = new_expression(ExpressionKind::kColumn, matched);
    outer->items.push_back({make_case({guard, value}, false), concat("new ", name), -1});
  }

  const MemoryTable::WriterLock lock =
      table->lock_writers(context.engine->options().interrupt_check);
  QueryResult result = context.engine->run(bind(context, *outer));
  int64_t rows = 0;
  for (Chunk& chunk : result.chunks) {
    std::vector<uint32_t> changed;
    select_true(*flatten(chunk.columns[width]), &changed);
    rows += static_cast<int64_t>(changed.size());
    std::vector<uint32_t> which(static_cast<size_t>(chunk.rows), 0);
    for (const uint32_t row : changed) which[row] = 1;
    std::vector<uint32_t> kept;
    for (uint32_t row = 0; row < which.size(); ++row) {
      if (which[row] == 0) kept.push_back(row);
    }
    std::vector<ColumnPtr> columns(chunk.columns.begin(),
                                   chunk.columns.begin() + static_cast<std::ptrdiff_t>(width));
    for (size_t c = 0; c < width && !changed.empty(); ++c) {
      if (!new_values[c]) continue;
      const ColumnPtr assigned = assign_values(chunk.columns[*new_values[c]], schema.field(c));
      columns[c] = choose(columns[c], assigned, which, kept, changed);
    }
    chunk.columns = std::move(columns);
  }
  if (rows > 0) table->replace(lock, std::move(result.chunks));
  return rows;
}

int64_t delete_rows(const WriteContext& context, const sql::DeleteStatement& remove) {
  const std::shared_ptr<MemoryTable> table = target_of(context, remove.table, "DELETE");
  if (remove.where) check_condition(context, remove.table, remove.where);
  const MemoryTable::WriterLock lock =
      table->lock_writers(context.engine->options().interrupt_check);
  const int64_t before = *table->known_rows();
  if (!remove.where) {
    table->replace(lock, {});
    return before;
  }
  const auto rest = select_from(table_ref(remove.table));
  rest->items.push_back({star(), "", -1});
  rest->where = make_case(
      {remove.where, make_literal(Value::boolean(false)), make_literal(Value::boolean(true))},
      true);
  QueryResult result = context.engine->run(bind(context, *rest));
  const int64_t rows = before - result.rows;
  if (rows > 0) table->replace(lock, std::move(result.chunks));
  return rows;
}

}  // namespace velaria
