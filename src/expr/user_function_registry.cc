#include "src/expr/user_function_registry.h"

#include <algorithm>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/binder.h"

namespace velaria {

namespace {

bool is_word(const std::string& text) {
  return !text.empty() && (text[0] < '0' || text[0] > '9') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

}  // namespace

// Functions are freed outside of the lock: what frees them may call anything.

void UserFunctionRegistry::add(UserFunctionPtr function) {
  const std::string name = to_lower_ascii(function->name());
  if (!is_word(name)) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("a function cannot be named '", excerpt(function->name()),
                       "'; give a word of letters, digits and _"));
  }
  if (FunctionRegistry::builtin().find(name) != nullptr || is_aggregate_name(name)) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("'", name, "' is a built-in function; give yours another name"));
  }
  UserFunctionPtr before;
  const std::lock_guard<std::mutex> lock(mutex_);
  before = std::exchange(functions_[name], std::move(function));
}

void UserFunctionRegistry::drop(const std::string& name) {
  UserFunctionPtr dropped;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = functions_.find(to_lower_ascii(name));
    if (found != functions_.end()) {
      dropped = std::move(found->second);
      functions_.erase(found);
    }
  }
  if (!dropped) {
    throw Error(ErrorKind::kCatalog, concat("there is no function '", excerpt(name), "' to drop",
                                            did_you_mean(name, function_names())));
  }
}

void UserFunctionRegistry::clear() {
  std::map<std::string, UserFunctionPtr> functions;
  const std::lock_guard<std::mutex> lock(mutex_);
  functions.swap(functions_);
}

UserFunctionPtr UserFunctionRegistry::find_function(std::string_view name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = functions_.find(to_lower_ascii(name));
  return found == functions_.end() ? nullptr : found->second;
}

std::vector<std::string> UserFunctionRegistry::function_names() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, function] : functions_) out.push_back(name);
  return out;
}

}  // namespace velaria
