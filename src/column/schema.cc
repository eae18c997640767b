#include "src/column/schema.h"

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

std::vector<std::string> Schema::names() const {
  std::vector<std::string> out;
  out.reserve(fields_.size());
  for (const Field& field : fields_) out.push_back(field.name);
  return out;
}

std::optional<size_t> Schema::find(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name == name) return i;
  }
  std::optional<size_t> found;
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (!equals_ignore_case(fields_[i].name, name)) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

size_t Schema::require(std::string_view name) const {
  if (const auto found = find(name)) return *found;
  throw Error(ErrorKind::kSqlSemantic,
              concat("column '", excerpt(name), "' does not exist", did_you_mean(name, names()),
                     "; the columns are: ", excerpt(join_texts(names(), ", "), 300)));
}

bool Schema::operator==(const Schema& other) const {
  if (size() != other.size()) return false;
  for (size_t i = 0; i < size(); ++i) {
    if (fields_[i].name != other.fields_[i].name || fields_[i].type != other.fields_[i].type) {
      return false;
    }
  }
  return true;
}

std::string Schema::to_string() const {
  std::vector<std::string> parts;
  for (const Field& field : fields_) parts.push_back(field.name + " " + field.type.to_string());
  return join_texts(parts, ", ");
}

}  // namespace velaria
