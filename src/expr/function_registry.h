// The scalar functions and operators that exist: names, argument counts, and how types are
// resolved.
//
// Batch and stream, SQL and frame verbs all look here, so a function means the same everywhere.
// Immutable after its construction.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/expr/bound_expression.h"

namespace velaria {

struct ResolvedFunction {
  std::vector<DataType> argument_types;  // what each argument is cast to
  DataType result_type;
  ScalarKernel kernel = nullptr;
  bool can_fail = false;  // throws on some values
  bool strict = true;     // NULL in, NULL out: the kernel never sees a constant NULL
};

struct FunctionDefinition {
  std::string name;
  std::string group;      // "math", "text", "time" ...: for the reference
  std::string signature;  // "substr(text, start [, length])"
  std::string summary;    // one line
  size_t least_arguments = 0;
  size_t most_arguments = 0;
  // Nothing when the types do not fit; the caller names function and types in its error.
  std::function<std::optional<ResolvedFunction>(const std::vector<DataType>&)> resolve;
  // Looks at constant arguments once the types are known: a bad part of a date or pattern fails
  // here, and a constant may decide the result's type or a faster kernel.
  std::function<void(const std::vector<BoundExpressionPtr>&, ResolvedFunction*)> refine = nullptr;
  bool gives_an_argument = false;  // one of the arguments is the result
};

class FunctionRegistry {
 public:
  static const FunctionRegistry& builtin();

  const FunctionDefinition* find(std::string_view name) const;  // case-insensitive
  std::vector<std::string> names() const;
  const std::map<std::string, FunctionDefinition>& definitions() const { return definitions_; }

  // Binds a call over bound arguments: checks count and types, inserts casts. Text constants take
  // the type of a typed partner ('2013-01-01' beside a date). Throws SqlSemanticError or
  // TypeMismatchError.
  BoundExpressionPtr bind(std::string_view name, std::vector<BoundExpressionPtr> arguments) const;

 private:
  friend void register_arithmetic(FunctionRegistry* registry);
  friend void register_comparison(FunctionRegistry* registry);
  friend void register_math(FunctionRegistry* registry);
  friend void register_text(FunctionRegistry* registry);
  friend void register_text_parts(FunctionRegistry* registry);
  friend void register_regex(FunctionRegistry* registry);
  friend void register_time(FunctionRegistry* registry);
  friend void register_time_making(FunctionRegistry* registry);
  friend void register_vector(FunctionRegistry* registry);
  void add(FunctionDefinition definition);
  void add_alias(std::string alias, std::string_view name);

  std::map<std::string, FunctionDefinition> definitions_;
};

// Throws SqlSemanticError: what is written here where another dialect has the function, or else the
// nearest of the `known` names.
[[noreturn]] void refuse_unknown_function(std::string_view name,
                                          const std::vector<std::string>& known);

// decimal(p, 0) that holds every value of an integer type; a decimal type itself.
DataType decimal_of(const DataType& type);

// A literal such as 0.05 beside a decimal is that decimal exactly, not the float64 it is otherwise;
// an integer constant there has only the digits it is written with. Nothing changes beside floats.
// So is one beside an integer constant that no float64 holds.
void settle_number_constants(std::vector<BoundExpressionPtr>* operands);

// The same for values one of which comes out (CASE, COALESCE, VALUES, UNION): there the literal is
// also a decimal beside any 64-bit integer, whose digits a float64 might lose. A text constant is
// of the others' type when it can be: '2024-01-01' beside a date is that date.
void settle_alternatives(std::vector<BoundExpressionPtr>* values);

// Whether the common type of these two is a float that does not hold every value of one of them: a
// 64-bit integer beside a float.
bool loses_digits(const DataType& a, const DataType& b);

// The type that both can be compared or combined in without loss, if there is one.
std::optional<DataType> common_type(const DataType& a, const DataType& b);

}  // namespace velaria
