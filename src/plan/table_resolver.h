// What the SQL room needs of the world outside it: the tables that names mean. The session's
// catalog implements it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "src/column/chunk.h"
#include "src/expr/user_function.h"
#include "src/plan/logical_plan.h"

namespace velaria {

class TableResolver {
 public:
  virtual ~TableResolver() = default;
  // The plan behind a table or view. CatalogError when there is none, TableKindError for a sink.
  virtual PlanPtr resolve_table(const std::string& name) const = 0;
  // FROM 'file.csv'.
  virtual PlanPtr resolve_path(const std::string& path) const = 0;
  // FROM name(arguments, name => argument). SqlSemanticError for an unknown function or argument.
  virtual PlanPtr resolve_function(
      const std::string& name, const std::vector<Value>& arguments,
      const std::vector<std::pair<std::string, Value>>& named_arguments) const = 0;
  // One row without columns: SELECT without FROM.
  virtual TableSourcePtr single_row() const = 0;
  // Scalar functions beside the built-in ones; null: there are none. Lives as long as the resolver.
  virtual const UserFunctions* user_functions() const { return nullptr; }
  // Rows kept in memory: VALUES.
  virtual TableSourcePtr memory_table(Schema schema, std::vector<Chunk> chunks) const = 0;
};

}  // namespace velaria
