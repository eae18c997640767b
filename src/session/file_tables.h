// From SQL's CREATE TABLE ... OPTIONS(...) and keyword options to readers and stream tables.
#pragma once

#include <map>
#include <string>

#include "src/session/engine.h"
#include "src/sql/ast.h"

namespace velaria {

// OPTIONS taken apart: the path, and the reader's own options as texts.
struct TableFile {
  std::string path;
  std::map<std::string, std::string> options;
};
TableFile file_table_of(const sql::CreateTableStatement& create);

// CREATE SOURCE TABLE and CREATE SINK TABLE USING csv or json.
Engine::Entry make_stream_table(const Engine& engine, const sql::CreateTableStatement& create);

}  // namespace velaria
