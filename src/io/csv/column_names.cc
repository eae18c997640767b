#include "src/io/csv/column_names.h"

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "src/base/text.h"

namespace velaria {

std::vector<std::string> unique_column_names(const std::vector<std::string>& given,
                                             const std::vector<size_t>& places,
                                             std::vector<std::string>* warnings) {
  const std::unordered_set<std::string> taken(given.begin(), given.end());
  std::unordered_set<std::string> used;
  // What was tried for a name is not tried again: a header may repeat one many thousand times.
  std::unordered_map<std::string, int> next_numbers;
  std::vector<std::string> names;
  names.reserve(given.size());
  for (size_t i = 0; i < given.size(); ++i) {
    std::string name = given[i];
    if (name.empty() || used.count(name) != 0) {
      const bool unnamed = name.empty();
      const std::string base = unnamed ? concat("column", places[i] + 1) : name;
      int& number = next_numbers.emplace(base, 2).first->second;
      std::string made = unnamed ? base : concat(base, "_", number++);
      while (taken.count(made) != 0 || used.count(made) != 0) {
        made = concat(base, "_", number++);
      }
      if (warnings != nullptr) {
        warnings->push_back(
            unnamed
                ? concat("column ", places[i] + 1, " has no name in the header: named '", made, "'")
                : concat("column name '", excerpt(name), "' stands twice in the header: column ",
                         places[i] + 1, " is named '", excerpt(made), "'"));
      }
      name = std::move(made);
    }
    used.insert(name);
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace velaria
