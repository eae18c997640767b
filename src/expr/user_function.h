// Scalar functions that a program gives to its session, beside the built-in ones.
//
//   class Doubled : public UserFunction { ... };
//   session.create_function(std::make_shared<Doubled>());
//   session.sql("SELECT doubled(n) FROM t");
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/column/column.h"

namespace velaria {

// Pure: the same arguments give the same result, in any order, on any thread, several at once;
// calls with constant arguments may be computed once. Immutable but for call().
class UserFunction {
 public:
  UserFunction(std::string name, std::vector<DataType> argument_types, DataType result_type)
      : name_(std::move(name)),
        argument_types_(std::move(argument_types)),
        result_type_(std::move(result_type)) {}
  virtual ~UserFunction() = default;

  const std::string& name() const { return name_; }  // in small letters
  const std::vector<DataType>& argument_types() const { return argument_types_; }
  const DataType& result_type() const { return result_type_; }
  std::string signature() const;  // "name(int64, utf8)"

  // `arguments` are flat or constant, of exactly the argument types, `rows` long, with their NULLs.
  // Gives a column of the result type, `rows` long, in any encoding. Anything thrown fails the
  // query.
  virtual ColumnPtr call(const std::vector<ColumnPtr>& arguments, int64_t rows) const = 0;

 private:
  const std::string name_;
  const std::vector<DataType> argument_types_;
  const DataType result_type_;
};

using UserFunctionPtr = std::shared_ptr<const UserFunction>;

// The functions of a session. Thread-safe.
class UserFunctions {
 public:
  virtual ~UserFunctions() = default;
  // Null when there is none; `name` ignores case.
  virtual UserFunctionPtr find_function(std::string_view name) const = 0;
  virtual std::vector<std::string> function_names() const = 0;
};

}  // namespace velaria
