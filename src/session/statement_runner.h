// SQL statements other than stream queries, run against an engine.
#pragma once

#include <string>

#include "src/session/data_frame.h"
#include "src/sql/parameters.h"

namespace velaria {

DataFrame run_statement(const std::shared_ptr<Engine>& engine, const std::string& text,
                        const sql::Parameters& parameters);

// EXPLAIN text of a statement's query; with `analyze` it runs, and the text tells where the time
// went.
std::string explain_statement(const std::shared_ptr<Engine>& engine, const std::string& text,
                              bool analyze);

}  // namespace velaria
