#include "src/session/statement_runner.h"

#include <map>
#include <sstream>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/io/memory/memory_table_source.h"
#include "src/session/engine.h"
#include "src/session/file_readers.h"
#include "src/session/file_tables.h"
#include "src/session/file_writers.h"
#include "src/session/source_notes.h"
#include "src/session/table_writes.h"
#include "src/sql/binder.h"
#include "src/sql/parser.h"

namespace velaria {

namespace {

DataFrame text_frame(const std::shared_ptr<Engine>& engine, const std::vector<std::string>& names,
                     const std::vector<std::vector<std::string>>& rows,
                     std::vector<std::string> warnings = {}) {
  std::vector<Field> fields;
  Chunk chunk;
  chunk.rows = static_cast<int64_t>(rows.size());
  for (size_t c = 0; c < names.size(); ++c) {
    fields.push_back({names[c], DataType(TypeId::kUtf8)});
    StringBuilder builder;
    for (const auto& row : rows) builder.append(row[c]);
    chunk.columns.push_back(builder.finish());
  }
  auto source = std::make_shared<MemoryTableSource>(Schema(std::move(fields)),
                                                    std::vector<Chunk>{std::move(chunk)});
  return DataFrame(engine, ScanPlan::all_columns(std::move(source), ""), std::move(warnings));
}

DataFrame done(const std::shared_ptr<Engine>& engine, const std::string& message,
               std::vector<std::string> warnings = {}) {
  return text_frame(engine, {"result"}, {{message}}, std::move(warnings));
}

class StatementRunner {
 public:
  StatementRunner(const std::shared_ptr<Engine>& engine, const std::string& text)
      : engine_(engine), text_(text), statement_time_us_(engine->clock()->wall_us()) {}

  DataFrame run(const sql::Statement& statement) {
    return std::visit([this](const auto& body) { return run_body(body); }, statement.body);
  }

  std::string explain(const sql::Statement& statement, bool analyze) {
    if (const auto* select = std::get_if<sql::SelectPtr>(&statement.body)) {
      const PlanPtr plan = bind(**select);
      return analyze ? engine_->analyze(plan).to_text() : engine_->explain(plan);
    }
    if (const auto* explained = std::get_if<sql::ExplainStatement>(&statement.body)) {
      return explain(*explained->statement, analyze || explained->analyze);
    }
    throw Error(ErrorKind::kSqlUnsupported, "only queries can be explained");
  }

 private:
  PlanPtr bind(const sql::SelectStatement& select) {
    return sql::bind_select(select, *engine_, text_, statement_time_us_);
  }

  DataFrame run_body(const sql::SelectPtr& select) { return DataFrame(engine_, bind(*select)); }

  DataFrame run_body(const sql::CreateTableStatement& create) {
    if (create.if_not_exists && engine_->has_entry(create.name)) {
      return done(engine_, concat("table ", create.name, " exists already"));
    }
    Engine::Entry entry;
    if (create.kind == sql::CreateTableStatement::Kind::kTable) {
      entry.kind = Engine::EntryKind::kTable;
      entry.name = create.name;
      if (create.query || !(create.has_options || !create.format.empty())) {
        entry.table = make_memory_table(write_context(), create);
        entry.plan = ScanPlan::all_columns(entry.table, create.name);
      } else {
        entry.plan = file_table(create);
      }
    } else {
      entry = make_stream_table(*engine_, create);
    }
    engine_->add_entry(std::move(entry), create.or_replace);
    return done(engine_, concat("created table ", create.name), std::move(warnings_));
  }

  PlanPtr file_table(const sql::CreateTableStatement& create) {
    const TableFile file = file_table_of(create);
    std::vector<Field> columns;
    for (const sql::ColumnDefinition& column : create.columns) {
      columns.push_back({column.name, column.type});
    }
    return ScanPlan::all_columns(
        create.format.empty() ? open_by_probe(*engine_, {file.path}, file.options, columns)
                              : open_with_reader(*engine_, create.format, {file.path}, file.options,
                                                 columns, "USING " + create.format),
        create.name);
  }

  DataFrame run_body(const sql::CreateViewStatement& create) {
    if (create.if_not_exists && engine_->has_entry(create.name)) {
      return done(engine_, concat("view ", create.name, " exists already"));
    }
    // Read later, by statements with times of their own: without a statement time.
    PlanPtr plan = sql::bind_select(*create.query, *engine_, text_);
    if (!create.column_aliases.empty()) {
      if (create.column_aliases.size() != plan->schema().size()) {
        throw Error(ErrorKind::kSqlSemantic,
                    concat("view ", create.name, " names ", create.column_aliases.size(),
                           " columns, but its query gives ", plan->schema().size()));
      }
      std::vector<BoundExpressionPtr> columns;
      for (size_t i = 0; i < plan->schema().size(); ++i) {
        const Field& field = plan->schema().field(i);
        columns.push_back(bound_column(i, field.type, field.name));
      }
      plan = std::make_shared<ProjectPlan>(plan, std::move(columns), create.column_aliases);
    }
    Engine::Entry entry;
    entry.kind = Engine::EntryKind::kView;
    entry.name = create.name;
    entry.plan = std::move(plan);
    engine_->add_entry(std::move(entry), create.or_replace);
    return done(engine_, concat("created view ", create.name));
  }

  DataFrame run_body(const sql::DropStatement& drop) {
    if (drop.if_exists && !engine_->has_entry(drop.name)) {
      return done(engine_, concat("there is no ", drop.name));
    }
    const Engine::Entry entry = engine_->entry(drop.name);
    const bool is_view = entry.kind == Engine::EntryKind::kView;
    if (is_view != drop.view) {
      throw Error(ErrorKind::kTableKind,
                  concat("'", entry.name, "' is a ", entry_kind_name(entry.kind), "; use DROP ",
                         is_view ? "VIEW" : "TABLE"));
    }
    engine_->drop_entry(drop.name);
    return done(engine_, concat("dropped ", drop.name));
  }

  DataFrame run_body(const sql::ExplainStatement& explained) {
    std::istringstream lines(explain(*explained.statement, explained.analyze));
    std::vector<std::vector<std::string>> rows;
    for (std::string line; std::getline(lines, line);) rows.push_back({line});
    return text_frame(engine_, {"plan"}, rows);
  }

  DataFrame run_body(const sql::DescribeStatement& describe) {
    const PlanPtr plan =
        describe.query ? bind(*describe.query) : engine_->resolve_table(describe.table);
    std::vector<std::vector<std::string>> rows;
    for (const Field& field : plan->schema().fields()) {
      rows.push_back({field.name, field.type.to_string()});
    }
    return text_frame(engine_, {"column", "type"}, rows);
  }

  DataFrame run_body(const sql::ShowTablesStatement&) {
    std::vector<std::vector<std::string>> rows;
    for (const Engine::Entry& entry : engine_->entries()) {
      rows.push_back({entry.name, std::string(entry_kind_name(entry.kind))});
    }
    return text_frame(engine_, {"name", "kind"}, rows);
  }

  static std::string_view entry_kind_name(Engine::EntryKind kind) {
    switch (kind) {
      case Engine::EntryKind::kTable: return "table";
      case Engine::EntryKind::kView: return "view";
      case Engine::EntryKind::kStreamSource: return "stream source";
      case Engine::EntryKind::kStreamSink: return "stream sink";
    }
    return "";
  }

  DataFrame run_body(const sql::InsertStatement& insert) {
    return row_count(insert_rows(write_context(), insert));
  }
  DataFrame run_body(const sql::UpdateStatement& update) {
    return row_count(update_rows(write_context(), update));
  }
  DataFrame run_body(const sql::DeleteStatement& remove) {
    return row_count(delete_rows(write_context(), remove));
  }
  DataFrame run_body(const sql::CopyStatement& copy) {
    const PlanPtr plan = copy.query ? bind(*copy.query) : engine_->resolve_table(copy.table);
    add_warnings_of_plan(*plan, &warnings_);
    std::map<std::string, std::string> options;
    for (const auto& [key, value] : copy.options) {
      if (!options.emplace(to_lower_ascii(key), value.to_string()).second) {
        throw Error(ErrorKind::kInvalidArgument, concat("option '", key, "' is given twice"));
      }
    }
    return row_count(write_file(*engine_, plan, copy.path, options, "COPY"));
  }

  // What statements that write rows give.
  DataFrame row_count(int64_t rows) {
    Chunk chunk;
    chunk.rows = 1;
    chunk.columns = {Column::constant(Value::int64(rows), 1)};
    auto source = std::make_shared<MemoryTableSource>(Schema({{"rows", DataType(TypeId::kInt64)}}),
                                                      std::vector<Chunk>{std::move(chunk)});
    return DataFrame(engine_, ScanPlan::all_columns(std::move(source), ""), std::move(warnings_));
  }

  WriteContext write_context() { return {engine_, text_, statement_time_us_, &warnings_}; }

  const std::shared_ptr<Engine>& engine_;
  const std::string& text_;
  const int64_t statement_time_us_;
  std::vector<std::string> warnings_;  // of what the statement read, for the frame that tells of it
};

}  // namespace

DataFrame run_statement(const std::shared_ptr<Engine>& engine, const std::string& text,
                        const sql::Parameters& parameters) {
  engine->check_open();
  return StatementRunner(engine, text).run(sql::parse_statement(text, parameters));
}

std::string explain_statement(const std::shared_ptr<Engine>& engine, const std::string& text,
                              bool analyze) {
  engine->check_open();
  return StatementRunner(engine, text)
      .explain(sql::parse_statement(text, sql::Parameters()), analyze);
}

}  // namespace velaria
