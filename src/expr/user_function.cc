#include "src/expr/user_function.h"

#include "src/base/text.h"

namespace velaria {

std::string UserFunction::signature() const {
  std::vector<std::string> types;
  for (const DataType& type : argument_types_) types.push_back(type.to_string());
  return name_ + "(" + join_texts(types, ", ") + ")";
}

}  // namespace velaria
