// Names and types of a table's columns.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/column/type.h"

namespace velaria {

struct Field {
  std::string name;
  DataType type;
};

class Schema {
 public:
  Schema() = default;
  explicit Schema(std::vector<Field> fields) : fields_(std::move(fields)) {}

  size_t size() const { return fields_.size(); }
  const Field& field(size_t i) const { return fields_[i]; }
  const std::vector<Field>& fields() const { return fields_; }
  std::vector<std::string> names() const;

  // Exact spelling first, else the only one that is equal without case; nothing when ambiguous.
  std::optional<size_t> find(std::string_view name) const;
  // Like find(), but throws SqlSemanticError with a suggestion.
  size_t require(std::string_view name) const;

  bool operator==(const Schema& other) const;
  bool operator!=(const Schema& other) const { return !(*this == other); }
  std::string to_string() const;  // "carrier utf8, distance int64"

 private:
  std::vector<Field> fields_;
};

}  // namespace velaria
