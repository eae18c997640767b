// Values of a simple nested type, made without Arrow.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/column/nested_type.h"
#include "src/column/value.h"

namespace velaria::column_test {

// list<int32>
inline DataType int_list_type() {
  auto element = std::make_shared<NestedType>();
  element->kind = NestedType::Kind::kFixed;
  element->arrow_format = "i";
  element->width_bytes = 4;
  element->leaf = DataType(TypeId::kInt32);
  auto list = std::make_shared<NestedType>();
  list->kind = NestedType::Kind::kList;
  list->arrow_format = "+l";
  list->fields.push_back({"item", true, std::move(element)});
  return DataType::nested(std::move(list));
}

inline Value int_list(const std::vector<int32_t>& elements) {
  std::string bytes(4, '\0');
  const auto length = static_cast<uint32_t>(elements.size());
  std::memcpy(bytes.data(), &length, 4);
  if (!elements.empty()) {
    bytes.push_back('\0');  // no NULLs
    bytes.append(reinterpret_cast<const char*>(elements.data()), elements.size() * 4);
  }
  return Value::nested(int_list_type(), std::move(bytes));
}

}  // namespace velaria::column_test
