// From SQL's CREATE TABLE ... OPTIONS(...) and keyword options to readers and stream tables.
#pragma once

#include <map>
#include <string>

#include "src/session/engine.h"
#include "src/sql/ast.h"
#include "stream/connectors/console_sink.h"

namespace velaria {

// OPTIONS taken apart: the path, and the reader's own options as texts.
struct TableFile {
  std::string path;
  std::map<std::string, std::string> options;
};
TableFile file_table_of(const sql::CreateTableStatement& create);

// CREATE SOURCE TABLE USING csv, json, line or rate, and CREATE SINK TABLE USING csv, json or
// console. A source over a directory gives its files one after the other, one over a file its rows;
// with `follow: true` both go on with what comes later.
Engine::Entry make_stream_table(const Engine& engine, const sql::CreateTableStatement& create);

// To the session's console_writer, else to standard output.
StreamSinkPtr make_session_console_sink(const Engine& engine, ConsoleOptions options);

}  // namespace velaria
