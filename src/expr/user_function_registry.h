// The user functions of one session, by name.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "src/expr/user_function.h"

namespace velaria {

// Thread-safe. What is bound keeps its function, whatever happens to the name.
class UserFunctionRegistry : public UserFunctions {
 public:
  // Replaces a function of the same name. InvalidArgumentError for a name that is no word, or that
  // a built-in function has.
  void add(UserFunctionPtr function);
  void drop(const std::string& name);  // CatalogError when there is none
  void clear();
  UserFunctionPtr find_function(std::string_view name) const override;
  std::vector<std::string> function_names() const override;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, UserFunctionPtr> functions_;  // by name in small letters
};

}  // namespace velaria
