// SQL that makes and changes tables in memory. Every call takes effect as a whole: after an error
// (a value that does not fit, the memory limit, Ctrl-C) the table is as it was.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/io/memory/memory_table.h"
#include "src/session/engine.h"
#include "src/sql/ast.h"

namespace velaria {

// What the statement runner knows; outlives the call.
struct WriteContext {
  const std::shared_ptr<Engine>& engine;
  const std::string& text;        // of the statement, for the places in errors
  int64_t statement_time_us = 0;  // what now() means
  // Gets what the readers of the statement's queries warn of, each text once.
  std::vector<std::string>* warnings = nullptr;
};

// CREATE TABLE t (columns), CREATE TABLE t [(columns)] AS SELECT.
std::shared_ptr<MemoryTable> make_memory_table(const WriteContext& context,
                                               const sql::CreateTableStatement& create);

// They give the number of rows inserted, changed or removed. TableKindError for what is no table in
// memory.
int64_t insert_rows(const WriteContext& context, const sql::InsertStatement& insert);
int64_t update_rows(const WriteContext& context, const sql::UpdateStatement& update);
int64_t delete_rows(const WriteContext& context, const sql::DeleteStatement& remove);

}  // namespace velaria
